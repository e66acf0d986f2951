import LockstepFiles

/// A way in which programs lay a model's tensors into a directory. A further one is a line in `all`.
public struct WeightFormat: Sendable {
  /// The file that tells the format, and that is opened.
  public let fileName: String
  private let opening: @Sendable (String) throws(WeightError) -> any WeightSource

  /// - Parameters:
  ///   - fileName: In the model's directory.
  ///   - opening: Opens the file at a path.
  public init(
    fileName: String, opening: @escaping @Sendable (String) throws(WeightError) -> any WeightSource
  ) {
    self.fileName = fileName
    self.opening = opening
  }

  /// The formats that are known; of several in a directory the first is taken, as `transformers` does.
  public static let all = [
    WeightFormat(fileName: "model.safetensors") { path throws(WeightError) in
      try SafetensorsReader(path: path)
    },
    WeightFormat(fileName: "model.safetensors.index.json") { path throws(WeightError) in
      try SafetensorsShards(path: path)
    },
  ]

  /// Endings of files that other programs keep weights in, for errors.
  private static let endings = [
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx", ".npz",
  ]

  /// Opens the weights that a directory holds.
  ///
  /// - Throws: `WeightError.noWeights` with what is there instead; what opening throws.
  public static func source(in directory: String) throws(WeightError) -> any WeightSource {
    let names = try onDisk { () throws(FileError) in try FileSystem.names(in: directory) }
    for format in all where names.contains(format.fileName) {
      return try format.opening(directory + "/" + format.fileName)
    }
    throw .noWeights(
      directory: directory,
      found: names.filter { name in endings.contains { name.hasSuffix($0) } })
  }
}
