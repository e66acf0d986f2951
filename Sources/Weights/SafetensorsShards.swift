import LockstepFiles

/// A model's tensors in several safetensors files, which `model.safetensors.index.json` lists.
///
/// Format: `{"metadata": …, "weight_map": {"name": "model-00001-of-00002.safetensors"}}`, as Hugging
/// Face's `save_pretrained(max_shard_size=…)` writes it.
public final class SafetensorsShards: WeightSource {
  /// The list.
  public let path: String
  /// All tensors, shard by shard.
  public let tensors: [StoredTensor]
  private let shards: [SafetensorsReader]
  /// The shard of each tensor, by the tensor's name.
  private let places: [String: Int]

  /// Opens all shards.
  ///
  /// - Parameter path: The list; the shards are beside it.
  /// - Throws: `WeightError.wrongIndex` where a tensor is not in the shard that the list names, or a
  ///   shard has one that the list lacks; what opening a shard throws.
  public init(path: String) throws(WeightError) {
    self.path = path
    let map = try Self.weightMap(path)
    let names = Set(map.values).sorted()
    var shards: [SafetensorsReader] = []
    for name in names {
      guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), name != ".." else {
        throw .wrongIndex(path: path, problem: "'\(name)' is not a plain file name")
      }
      shards.append(try SafetensorsReader(path: FileSystem.parent(of: path) + "/" + name))
    }
    var places: [String: Int] = [:]
    for (index, shard) in shards.enumerated() {
      for tensor in shard.tensors {
        guard map[tensor.name] == names[index] else {
          let listed = map[tensor.name].map { "lists it in \($0)" } ?? "does not list it"
          throw .wrongIndex(
            path: path, problem: "\(names[index]) holds '\(tensor.name)', the index \(listed)")
        }
        places[tensor.name] = index
      }
    }
    if let (name, shard) = map.sorted(by: { $0.key < $1.key }).first(where: {
      places[$0.key] == nil
    }) {
      throw .wrongIndex(path: path, problem: "'\(name)' is not in \(shard), which should hold it")
    }
    self.shards = shards
    self.places = places
    tensors = shards.flatMap(\.tensors)
  }

  public var files: [String] { [path] + shards.map(\.path) }

  public func read(
    _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    try read(name, shape: shape, elements: 0..<destination.count, into: destination)
  }

  public func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    guard let place = places[name] else { throw .tensorMissing(path: path, tensor: name) }
    try shards[place].read(name, shape: shape, elements: elements, into: destination)
  }

  /// The file of each tensor, by the tensor's name.
  private static func weightMap(_ path: String) throws(WeightError) -> [String: String] {
    struct Index: Decodable {
      let weightMap: [String: String]

      enum CodingKeys: String, CodingKey {
        case weightMap = "weight_map"
      }
    }
    let bytes = try MappedFile.opened(path).withBytes { Array($0) }
    do {
      return try JSONFormat.decode(Index.self, foreign: bytes).weightMap
    } catch let error as DecodingError {
      throw .wrongIndex(
        path: path, problem: "not a list of shards: \(error.placeAndProblem.problem)")
    } catch {
      throw .wrongIndex(path: path, problem: "not a list of shards: \(error)")
    }
  }
}
