import Foundation
import LockstepWeights
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  @Test func writesTheSameBytesAsTheReferenceLibrary() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/ours.safetensors"
    let tensors = TensorSet.reference
    try SafetensorsWriter.write(tensors.views, metadata: ["format": "pt"], to: path)
    let ours = try Data(contentsOf: URL(fileURLWithPath: path))
    let theirs = try Data(
      contentsOf: URL(fileURLWithPath: Fixture.path("float32.safetensors")))
    #expect(ours == theirs)
  }

  @Test(arguments: ["single", "half", "brain"])
  func readsEveryFloatingPointType(name: String) throws {
    let reader = try SafetensorsReader(path: Fixture.path("types.safetensors"))
    #expect(try reader.floats(name) == (0..<6).map(ramp))
    #expect(reader.entry(named: name)?.shape == [2, 3])
    #expect(reader.metadata == ["made by": "safetensors"])
  }

  @Test func elementsBehindATensorAreNotRead() async {
    await #expect(processExitsWith: .failure) {
      let reader = try SafetensorsReader(path: Fixture.path("types.safetensors"))
      var elements = [Float](repeating: 0, count: 2)
      try elements.withUnsafeMutableBufferPointer {
        try reader.read("brain", shape: [2, 3], elements: 5..<7, into: $0)
      }
    }
  }

  @Test func readsSpecialValues() throws {
    let reader = try SafetensorsReader(path: Fixture.path("types.safetensors"))
    let half = try reader.floats("half.special")
    #expect(half == [0, 0, .infinity, -.infinity, 0x1p-24, 65504, 0x1.554p-2])
    #expect(half[1].sign == .minus)
    let brain = try reader.floats("brain.special")
    #expect(brain == [0, 0, .infinity, -.infinity, 0x1p-24, 65536, 0x1.56p-2])
  }

  @Test(arguments: ["integers", "flags"])
  func listsButDoesNotReadOtherTypes(name: String) throws {
    let path = Fixture.path("types.safetensors")
    let reader = try SafetensorsReader(path: path)
    let type = name == "integers" ? "I64" : "BOOL"
    #expect(reader.entry(named: name)?.elementType.rawValue == type)
    #expect(
      throws: WeightError.unreadableElements(
        path: path, tensor: name, elementType: type, readable: ["F32", "F16", "BF16"])
    ) { try reader.floats(name) }
  }

  #if !((os(macOS)) && arch(x86_64))
    @Test func everyHalfAgreesWithTheProcessor() {
      for bits in UInt16.min...UInt16.max {
        let (ours, theirs) = (Float(halfBits: bits), Float(Float16(bitPattern: bits)))
        #expect(ours == theirs || (ours.isNaN && theirs.isNaN), "bits \(bits)")
        #expect(ours.sign == theirs.sign)
      }
    }
  #endif

  @Test(arguments: 0..<20)
  func anyTensorsRoundTrip(seed: Int) throws {
    var random = SystemRandomNumberGenerator()
    var tensors = TensorSet()
    for index in 0..<Int.random(in: 0...9, using: &random) {
      let shape = (0..<Int.random(in: 0...4)).map { _ in Int.random(in: 0...7, using: &random) }
      tensors.add("h.\(index).\"wéight\n\u{1}", shape) { _ in
        Float(bitPattern: UInt32.random(in: .min ... .max, using: &random))
      }
    }
    let directory = try TemporaryDirectory()
    let path = directory.path + "/any.safetensors"
    try SafetensorsWriter.write(tensors.views, to: path)
    let reader = try SafetensorsReader(path: path)
    #expect(reader.entries.count == tensors.views.count)
    for view in tensors.views {
      #expect(reader.entry(named: view.name)?.shape == view.shape)
      let same = try reader.withBytes(of: view.name) {
        $0.elementsEqual(UnsafeRawBufferPointer(view.values))
      }
      #expect(same)
    }
    let content = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(content.withUnsafeBytes { $0.load(as: UInt64.self) } % 8 == 0)
  }

  @Test func everyTruncationIsNoticed() throws {
    let whole = try Data(
      contentsOf: URL(fileURLWithPath: Fixture.path("float32.safetensors")))
    let directory = try TemporaryDirectory()
    let path = directory.path + "/part.safetensors"
    for count in 0..<whole.count {
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: WeightError.self) { try SafetensorsReader(path: path) }
      guard case .malformed(path, _, _, _) = error else {
        Issue.record("first \(count) bytes: \(String(describing: error))")
        return
      }
    }
  }

  @Test func randomDamageNeverCrashes() throws {
    let whole = try Data(
      contentsOf: URL(fileURLWithPath: Fixture.path("types.safetensors")))
    let directory = try TemporaryDirectory()
    let path = directory.path + "/damaged.safetensors"
    var generator = SeededGenerator(seed: 111)
    for _ in 0..<2000 {
      var damaged = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<500, using: &generator)
        damaged[place] = UInt8.random(in: 32...126, using: &generator)
      }
      try damaged.write(to: URL(fileURLWithPath: path))
      // Some damage yields another valid file; none may do anything but read or throw.
      guard let reader = try? SafetensorsReader(path: path) else { continue }
      for entry in reader.entries where entry.elementType.isReadableAsFloat {
        #expect(try reader.floats(entry.name).count == entry.elementCount)
      }
    }
  }

  @Test func asksForTensorsByNameAndShape() throws {
    let path = Fixture.path("float32.safetensors")
    let reader = try SafetensorsReader(path: path)
    var values = [Float](repeating: 0, count: 15)
    try values.withUnsafeMutableBufferPointer { buffer in
      try reader.read("a.weight", shape: [3, 5], into: buffer)
    }
    #expect(values == (0..<15).map(ramp))
    #expect(
      throws: WeightError.wrongShape(
        path: path, tensor: "a.weight", expected: [5, 3], found: [3, 5])
    ) {
      try values.withUnsafeMutableBufferPointer {
        try reader.read("a.weight", shape: [5, 3], into: $0)
      }
    }
    #expect(throws: WeightError.tensorMissing(path: path, tensor: "c")) {
      try reader.floats("c")
    }
  }
}
