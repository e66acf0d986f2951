import Foundation
import LockstepWeights
import TestSupport
import Testing

/// Which tensors fill which parameters, and which files they come from.
@Suite struct WeightSourceTests {
  /// Tensors that exist by name and shape only.
  struct Listing: WeightSource {
    let path = "listing"
    let tensors: [StoredTensor]

    init(_ tensors: [(String, [Int])]) {
      self.tensors = tensors.map { StoredTensor(name: $0, shape: $1, encoding: "F32") }
    }

    func read(
      _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws(WeightError) {
      throw .tensorMissing(path: path, tensor: name)
    }
  }

  static let names = WeightNames(
    optionalPrefix: "model.", spellings: [.init("norm.gamma", means: "norm.weight")],
    tied: ["head.weight": "model.embed.weight"], buffers: [".mask"], otherHeads: ["pooler."])

  static let parameters = [
    TensorLayout(name: "model.embed.weight", shape: [5, 2]),
    TensorLayout(name: "model.norm.weight", shape: [2]),
  ]

  private func pairs(_ tensors: [(String, [Int])]) throws -> [String: [String]] {
    let assignment = try WeightAssignment(
      of: Self.parameters, from: Listing(tensors), names: Self.names)
    return Dictionary(
      uniqueKeysWithValues: assignment.pairs.map {
        (Self.parameters[$0.parameter].name, [$0.tensor] + $0.copies)
      })
  }

  @Test(arguments: [
    ["model.embed.weight", "model.norm.weight"], ["embed.weight", "norm.weight"],
    ["head.weight", "norm.gamma"], ["embed.weight", "model.norm.gamma"],
  ])
  func aParameterIsFoundUnderEachOfItsNames(names: [String]) throws {
    let found = try pairs([(names[0], [5, 2]), ("layers.3.mask", [9]), (names[1], [2])])
    #expect(
      found == ["model.embed.weight": [names[0]], "model.norm.weight": [names[1]]])
  }

  @Test func aTiedTensorThatIsThereTwiceIsACopy() throws {
    let found = try pairs([
      ("head.weight", [5, 2]), ("model.embed.weight", [5, 2]), ("norm.weight", [2]),
      ("pooler.weight", [7]),
    ])
    #expect(found["model.embed.weight"] == ["head.weight", "model.embed.weight"])
  }

  @Test func everythingThatDoesNotBelongTogetherIsNamed() throws {
    let error = #expect(throws: WeightError.self) {
      try pairs([("model.embed.weight", [2, 5]), ("adapter.weight", [2]), ("mask", [1])])
    }
    var expected = WeightMismatch()
    expected.missing = ["model.norm.weight"]
    expected.unknown = ["adapter.weight", "mask"]
    expected.misshapen = [
      .init(tensor: "model.embed.weight", found: [2, 5], expected: [5, 2])
    ]
    #expect(error == .unfit(path: "listing", expected))
    #expect(
      error?.description == """
        listing: does not fit the model: no tensor for 'model.norm.weight'; no parameter for \
        'adapter.weight', 'mask'; other shapes: 'model.embed.weight' [2, 5], expected [5, 2]
        """)
  }

  @Test func ofManyNamesSomeAreTold() {
    var mismatch = WeightMismatch()
    mismatch.missing = (0..<9).map { "h.\($0)" }
    #expect(
      mismatch.description == "no tensor for 'h.0', 'h.1', 'h.2', 'h.3' and 5 more")
  }

  /// As GGUF has it: blocks of 4 bytes with a scale before them, under names of its own.
  private struct Quantised: WeightSource {
    let path = "quantised"
    let tensors = [StoredTensor(name: "blk.0.norm.weight", shape: [2, 4], encoding: "Q8")]
    let blocks: [(scale: Float, values: [Int8])] = [(0.5, [1, -2, 3, 127]), (2, [0, 1, -128, 4])]

    func read(
      _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws(WeightError) {
      guard name == tensors[0].name else { throw .tensorMissing(path: path, tensor: name) }
      for (index, block) in blocks.enumerated() {
        for (place, value) in block.values.enumerated() {
          destination[4 * index + place] = block.scale * Float(value)
        }
      }
    }
  }

  @Test func aSourceMayBeQuantisedAndNamedOtherwise() throws {
    let names = WeightNames(spellings: [.init("blk.", means: "model.layers.")])
    let layouts = [TensorLayout(name: "model.layers.0.norm.weight", shape: [2, 4])]
    let source = Quantised()
    let pair = try #require(WeightAssignment(of: layouts, from: source, names: names).pairs.first)
    var values = [Float](repeating: 0, count: 8)
    try values.withUnsafeMutableBufferPointer {
      try source.read(pair.tensor, shape: layouts[0].shape, into: $0)
    }
    #expect(values == [0.5, -1, 1.5, 63.5, 0, 2, -256, 8])
  }
}

/// Several safetensors files with a list of what is where.
@Suite struct SafetensorsShardsTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func write(_ shard: String, _ tensors: [(String, Float)]) throws {
    var set = TensorSet()
    for (name, value) in tensors { set.add(name, [2]) { value + Float($0) } }
    try SafetensorsWriter.write(set.views, to: folder.path + "/" + shard)
  }

  private func index(_ map: [String: String]) throws -> String {
    let json = try JSONEncoder().encode(["weight_map": map])
    return try folder.write("model.safetensors.index.json", Array(json))
  }

  @Test func eachTensorIsReadFromItsShard() throws {
    try write("one.safetensors", [("b", 10), ("a", 20)])
    try write("two.safetensors", [("c", 30)])
    let source = try SafetensorsShards(
      path: index(["a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"]))
    #expect(source.tensors.map(\.name) == ["b", "a", "c"])
    for (name, value) in [("a", Float(20)), ("b", 10), ("c", 30)] {
      var values: [Float] = [0, 0]
      try values.withUnsafeMutableBufferPointer { try source.read(name, shape: [2], into: $0) }
      #expect(values == [value, value + 1])
    }
    #expect(try WeightFormat.source(in: folder.path).path == source.path)
  }

  @Test func aListThatContradictsItsShardsIsRefused() throws {
    try write("one.safetensors", [("a", 1)])
    try write("two.safetensors", [("a", 1), ("b", 2)])
    let cases: [([String: String], String)] = [
      (["a": "one.safetensors", "c": "one.safetensors"], "'c' is not in one.safetensors"),
      (["b": "two.safetensors"], "two.safetensors holds 'a', the index does not list it"),
      (
        ["a": "one.safetensors", "b": "two.safetensors"],
        "two.safetensors holds 'a', the index lists it in one.safetensors"
      ),
      (["a": "../one.safetensors"], "'../one.safetensors' is not a plain file name"),
      (["a": "../\u{301}one"], "'../\u{301}one' is not a plain file name"),
    ]
    for (map, problem) in cases {
      let path = try index(map)
      let error = #expect(throws: WeightError.self) { try SafetensorsShards(path: path) }
      #expect(error?.description.hasPrefix("\(path): \(problem)") == true, "\(map)")
    }
    let path = try index(["a": "gone.safetensors"])
    let error = #expect(throws: WeightError.self) { try SafetensorsShards(path: path) }
    #expect(error?.description.contains("gone.safetensors") == true)
    try folder.write("model.safetensors.index.json", #"{"metadata": {}}"#)
    let broken = #expect(throws: WeightError.self) { try SafetensorsShards(path: path) }
    #expect(broken?.description.contains("lacks 'weight_map'") == true)
  }

  @Test func whatIsThereInsteadOfWeightsIsTold() throws {
    try folder.write("pytorch_model.bin", "x")
    try folder.write("config.json", "{}")
    #expect(
      throws: WeightError.noWeights(directory: folder.path, found: ["pytorch_model.bin"])
    ) { try WeightFormat.source(in: folder.path) }
  }
}
