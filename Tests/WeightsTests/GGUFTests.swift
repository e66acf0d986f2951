import Foundation
import LockstepWeights
import TestSupport
import Testing

/// GGUF files, beside the `gguf` package's: scripts/fixtures/gguf_blocks.py.
@Suite struct GGUFTests {
  private static func floats(
    _ source: some WeightSource, _ name: String
  ) throws -> (shape: [Int], values: [Float]) {
    let tensor = try #require(source.tensors.first { $0.name == name })
    var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
    try values.withUnsafeMutableBufferPointer {
      try source.read(name, shape: tensor.shape, into: $0)
    }
    return (tensor.shape, values)
  }

  @Test(arguments: ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q6_K"])
  func everyTypeIsDecodedToTheBitsOfTheReference(name: String) throws {
    let reader = try GGUFReader(path: Fixture.path("blocks.gguf"))
    #expect(reader.entry(named: name)?.type.name == name)
    let found = try Self.floats(reader, name)
    let reference = try SafetensorsReader(path: Fixture.path("blocks.safetensors"))
    let expected = try reference.floats(name)
    #expect(found.shape == reference.entry(named: name)?.shape)
    #expect(found.values.map(\.bitPattern) == expected.map(\.bitPattern))
    // Any part, in the middle of blocks too.
    for _ in 0..<20 {
      let ends = [Int.random(in: 0...expected.count), Int.random(in: 0...expected.count)].sorted()
      var part = [Float](repeating: 0, count: ends[1] - ends[0])
      try part.withUnsafeMutableBufferPointer {
        try reader.read(name, shape: found.shape, elements: ends[0]..<ends[1], into: $0)
      }
      #expect(part == Array(found.values[ends[0]..<ends[1]]), "\(ends)")
    }
  }

  @Test(arguments: StorageType.allCases)
  func everyTypeIsWrittenInTheBytesOfTheReference(type: StorageType) throws {
    let source = try SafetensorsReader(path: Fixture.path("quantised.safetensors"))
    let values = try source.floats("values")
    let reference = try GGUFReader(path: Fixture.path("quantised.gguf"))
    let folder = try TemporaryDirectory()
    let path = folder.path + "/ours.gguf"
    try values.withUnsafeBufferPointer {
      let view = TensorView(name: "values", shape: [8, 96], values: $0)
      try GGUFWriter.write(
        [OutgoingTensor("ours", view, type: type)],
        metadata: [("general.architecture", .text("test"))], to: path)
    }
    let ours = try GGUFReader(path: path)
    #expect(ours.entry(named: "ours")?.type == type.ggufType)
    let theirs = try reference.withBytes(of: type.ggufType.name) { Array($0) }
    let found = try ours.withBytes(of: "ours") { Array($0) }
    #expect(found == theirs)
  }

  @Test func metadataOfEveryTypeIsRead() throws {
    let metadata = try GGUFReader(path: Fixture.path("metadata.gguf")).metadata
    let integers: [String: Int] = [
      "uint8": 255, "int8": -128, "uint16": 65_535, "int16": -32_768, "uint32": 4_294_967_295,
      "int32": -2_147_483_648, "int64": .min,
    ]
    for (key, value) in integers { #expect(metadata[key]?.integer == value, "\(key)") }
    #expect(metadata["uint64"]?.integer == nil && metadata["uint64"]?.type == .uint64)
    #expect(metadata["float32"]?.number == 1e-5 && metadata["float64"]?.number == 1e-5)
    #expect(metadata["bool"]?.bool == true && metadata["bool"]?.integer == nil)
    #expect(metadata["string"]?.text == "é\0\u{1F600}")
    #expect(metadata["strings"]?.texts == [[], Array("a".utf8), Array("é".utf8)])
    #expect(metadata["integers"]?.integers == [1, -2, 3])
    #expect(metadata["floats"]?.floats == [0.5, 1e-5])
    #expect(metadata["bools"]?.type == .array && metadata["bools"]?.integers == nil)
    #expect(metadata["nested"]?.type == .array)
  }

  @Test func whatIsWrittenIsRead() throws {
    var tensors = TensorSet()
    tensors.add("matrix", [3, 5]) { Float($0) }
    tensors.add("void", [0, 4]) { Float($0) }
    tensors.add("scalar", []) { _ in 7 }
    let folder = try TemporaryDirectory()
    let path = folder.path + "/any.gguf"
    let metadata: [(key: String, value: GGUFValue)] = [
      ("text", .text("é")), ("number", .uint32(7)), ("ratio", .float32(0.1)), ("yes", .bool(true)),
      ("texts", .texts([[0xFF], []])), ("kinds", .int32s([-1, 2])), ("scores", .float32s([0.5])),
    ]
    try GGUFWriter.write(
      tensors.views.map {
        OutgoingTensor(
          $0.name, $0, order: $0.name == "matrix" ? .transposed : .same, type: .float32)
      },
      metadata: metadata, to: path)
    let reader = try GGUFReader(path: path)
    #expect(reader.metadata.count == metadata.count)
    for (key, value) in metadata { #expect(reader.metadata[key] == value) }
    #expect(reader.metadata["texts"]?.texts == [[0xFF], []])
    #expect(reader.entry(named: "matrix")?.shape == [5, 3])
    #expect(try Self.floats(reader, "matrix").values[1] == 5)
    #expect(try Self.floats(reader, "scalar").values == [7])
    #expect(try Self.floats(reader, "void").values.isEmpty)
  }

  // MARK: - Numbers that a type does not have

  @Test(arguments: [
    (StorageType.float16, Float(65_520)), (.bfloat16, 3.4e38), (.q8x0, .infinity), (.q4x0, .nan),
    (.q8x0, 8.4e6), (.q4x0, -530_000),
  ])
  func whatATypeDoesNotHaveIsAnErrorThatNamesTheTensor(type: StorageType, value: Float) throws {
    var tensors = TensorSet()
    tensors.add("large", [1, 64]) { $0 == 40 ? value : 1 }
    let folder = try TemporaryDirectory()
    let error = #expect(throws: WeightError.self) {
      try GGUFWriter.write(
        [OutgoingTensor("blk.0.large", tensors.views[0], type: type)], metadata: [],
        to: folder.path + "/none.gguf")
    }
    #expect(error?.description.hasPrefix("tensor 'blk.0.large' holds ") == true)
    #expect(error?.description.hasSuffix(", which \(type.rawValue) does not have") == true)
    #expect(try folder.names().isEmpty)
  }

  @Test func safetensorsHaveSixteenBitsToo() throws {
    let source = try SafetensorsReader(path: Fixture.path("quantised.safetensors"))
    let values = try source.floats("values")
    let reference = try GGUFReader(path: Fixture.path("quantised.gguf"))
    let folder = try TemporaryDirectory()
    for (type, name) in [(StorageType.float16, "F16"), (.bfloat16, "BF16"), (.float32, "F32")] {
      let path = folder.path + "/\(name).safetensors"
      try values.withUnsafeBufferPointer {
        try SafetensorsWriter.write(
          [TensorView(name: "values", shape: [8, 96], values: $0)], as: type, to: path)
      }
      let reader = try SafetensorsReader(path: path)
      #expect(reader.entries[0].elementType.rawValue == name)
      let theirs = try reference.withBytes(of: name) { Array($0) }
      #expect(try reader.withBytes(of: "values") { Array($0) } == theirs)
    }
  }

  #if !((os(macOS)) && arch(x86_64))
    @Test func roundingToHalvesAgreesWithTheProcessor() {
      var random = SeededGenerator(seed: 7)
      for step in 0..<200_000 {
        // Every exponent, and values around every tie.
        let bits =
          step < 100_000
          ? UInt32.random(in: .min ... .max, using: &random)
          : UInt32(step % 256) << 23 | UInt32.random(in: 0...1023, using: &random) << 13
            | [0, 0xFFF, 0x1000, 0x1001].randomElement(using: &random)!
        let value = Float(bitPattern: bits)
        let (ours, theirs) = (value.halfBits, Float16(value).bitPattern)
        #expect(ours == theirs || value.isNaN && Float(halfBits: ours).isNaN, "\(bits)")
      }
    }
  #endif
}

/// Files that are not what they should be.
@Suite struct DamagedGGUFTests {
  private let folder: TemporaryDirectory
  private let whole: [UInt8]

  init() throws {
    folder = try TemporaryDirectory()
    whole = Array(try Data(contentsOf: URL(fileURLWithPath: Fixture.path("blocks.gguf"))))
  }

  private func problem(_ bytes: [UInt8]) throws -> String {
    let path = try folder.write("damaged.gguf", bytes)
    let error = #expect(throws: WeightError.self) { try GGUFReader(path: path) }
    guard case .malformed(path, _, _, let problem)? = error else {
      Issue.record("\(String(describing: error))")
      return ""
    }
    return problem
  }

  @Test func everyTruncationIsNoticed() throws {
    // Of the data, one byte in a hundred; the last are only padding.
    for count in Array(0..<1200) + Array(stride(from: 1200, to: whole.count - 32, by: 100)) {
      #expect(try !problem(Array(whole.prefix(count))).isEmpty, "first \(count) bytes")
    }
  }

  /// A file of one key and one tensor, to be changed.
  private func parts(
    version: UInt32 = 3, tensors: UInt64 = 1, keys: UInt64 = 1, key: String = "k", type: UInt32 = 4,
    value: [UInt8] = [1, 0, 0, 0], name: String = "t", extents: [UInt64] = [32],
    element: UInt32 = 0, place: UInt64 = 0, data: Int = 128, again: Bool = false
  ) -> [UInt8] {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian, Array.init)
    }
    func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }
    let pair = text(key) + bytes(type) + value
    let tensor =
      text(name) + bytes(UInt32(extents.count)) + extents.flatMap { bytes($0) } + bytes(element)
      + bytes(place)
    var file = Array("GGUF".utf8) + bytes(version) + bytes(tensors) + bytes(keys)
    file += again ? pair + pair + tensor + tensor : pair + tensor
    return file + [UInt8](repeating: 0, count: (32 - file.count % 32) % 32 + data)
  }

  @Test func theSmallFileItselfIsRead() throws {
    let reader = try GGUFReader(path: folder.write("small.gguf", parts()))
    #expect(reader.metadata["k"]?.integer == 1 && reader.entries.map(\.shape) == [[32]])
    let older = try GGUFReader(path: folder.write("older.gguf", parts(version: 2)))
    #expect(older.entries == reader.entries)
  }

  @Test func whatIsWrongIsSaid() throws {
    let huge = UInt64.max
    let cases: [([UInt8], String)] = [
      (Array("GGML".utf8) + [UInt8](repeating: 0, count: 40), "does not begin with GGUF"),
      (parts(version: 1), "version 1, expected 2 or 3"), (parts(version: 4), "version 4"),
      (parts(version: 0x0300_0000), "is big-endian"), (parts(tensors: huge), "tensors and"),
      (parts(keys: huge), "not the bytes"), (parts(key: ""), "name of a key"),
      (parts(type: 13), "a type that the format does not have"),
      (parts(type: 7, value: [2, 0, 0, 0]), "whole value"),
      (parts(type: 8, value: [UInt8](repeating: 255, count: 8)), "whole value"),
      (parts(type: 9, value: [5, 0, 0, 0] + [UInt8](repeating: 255, count: 8)), "whole value"),
      (parts(key: "general.alignment", value: [3, 0, 0, 0]), "no power of 2"),
      (parts(keys: 2, again: true).replacingTensorCount(2), "there twice"),
      (parts(extents: [32, 1, 1, 1, 1]), "has 5 axes"), (parts(extents: [huge]), "has extent"),
      (parts(extents: [1 << 40, 1 << 40]), "impossible shape"),
      (parts(element: 99), "type 99, which is not known"),
      (parts(extents: [33], element: 8), "rows of 33, which blocks of 32 (Q8_0) do not divide"),
      (parts(place: 32), "leaves a gap"), (parts(place: huge), "lies at byte"),
      (parts(data: 127), "truncated"), (parts(data: 161), "bytes after the last tensor"),
    ]
    for (bytes, expected) in cases {
      let found = try problem(bytes)
      #expect(found.contains(expected), "\(found), expected \(expected)")
    }
  }

  @Test func arraysOfArraysHaveALimit() throws {
    func nested(_ depth: Int) -> [UInt8] {
      let inner: [UInt8] = depth == 0 ? [0, 0, 0, 0] : [9, 0, 0, 0]
      let count: [UInt8] = [depth == 0 ? 0 : 1, 0, 0, 0, 0, 0, 0, 0]
      return inner + count + (depth == 0 ? [] : nested(depth - 1))
    }
    _ = try GGUFReader(path: folder.write("flat.gguf", parts(type: 9, value: nested(2))))
    #expect(try problem(parts(type: 9, value: nested(40))).contains("whole value"))
  }

  @Test func twoTensorsOfOneNameAreRefused() throws {
    var tensors = TensorSet()
    tensors.add("same", [32]) { Float($0) }
    tensors.add("sane", [32]) { Float($0) }
    let path = folder.path + "/two.gguf"
    try GGUFWriter.write(
      tensors.views.map { OutgoingTensor($0.name, $0, type: .float32) }, metadata: [], to: path)
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let place = try #require(Data(bytes).firstRange(of: Data("sane".utf8)))
    bytes[place.lowerBound + 2] = UInt8(ascii: "m")
    #expect(try problem(bytes) == "is there twice")
  }

  @Test func typesThatAreNotDecodedAreListedAndRefusedByName() throws {
    let path = try folder.write("other.gguf", parts(extents: [256], element: 13, data: 192))
    let reader = try GGUFReader(path: path)
    #expect(reader.tensors.map(\.encoding) == ["Q5_K"])
    var values = [Float](repeating: 0, count: 256)
    let error = #expect(throws: WeightError.self) {
      try values.withUnsafeMutableBufferPointer { try reader.read("t", shape: [256], into: $0) }
    }
    #expect(
      error?.description == "\(path): tensor 't' holds Q5_K, expected F32, F16, BF16, Q8_0, Q4_0, "
        + "Q4_1, Q5_0, Q5_1, Q4_K or Q6_K")
  }

  @Test func randomDamageNeverCrashes() throws {
    let metadata = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("metadata.gguf")))
    let specimens = [whole, parts(), Array(metadata)]
    var random = SeededGenerator(seed: 111)
    for step in 0..<1500 {
      var damaged = specimens[step % specimens.count]
      let end = min(damaged.count, 1200)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        damaged[Int.random(in: 0..<end, using: &random)] =
          [0, 1, 255, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random)!
      }
      let path = try folder.write("damaged.gguf", damaged)
      guard let reader = try? GGUFReader(path: path) else { continue }
      for entry in reader.entries where entry.type.isReadable {
        let count = entry.shape.reduce(1, *)
        var values = [Float](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer {
          try reader.read(entry.name, shape: entry.shape, into: $0)
        }
      }
      for value in reader.metadata.values {
        _ = (value.integer, value.number, value.text, value.texts, value.integers, value.floats)
      }
    }
  }
}

extension [UInt8] {
  fileprivate func replacingTensorCount(_ count: UInt8) -> [UInt8] {
    var bytes = self
    bytes[8] = count
    return bytes
  }
}
