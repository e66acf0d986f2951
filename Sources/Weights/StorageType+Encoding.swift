/// `Float`s as they are stored: what the `gguf` package's `quantize` gives, bit for bit.
extension StorageType {
  /// - Parameters:
  ///   - values: Whole blocks.
  ///   - bytes: As many as they take.
  /// - Returns: The first element that this type does not have: too large for it, or in a block and not
  ///   finite. Nil: all are stored, rounded to the nearest.
  package func encode(
    _ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer
  ) -> Int? {
    precondition(bytes.count == byteCount(of: values.count), "\(bytes.count) bytes for \(self)")
    guard let source = values.baseAddress, let target = bytes.baseAddress else { return nil }
    switch self {
    case .float32: bytes.copyMemory(from: UnsafeRawBufferPointer(values))
    case .float16:
      for index in values.indices {
        let bits = source[index].halfBits
        if bits & 0x7FFF == 0x7C00 && source[index].isFinite { return index }
        target.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
      }
    case .bfloat16:
      for index in values.indices {
        let bits = source[index].brainBits
        if bits & 0x7FFF == 0x7F80 && source[index].isFinite { return index }
        target.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
      }
    case .q8x0, .q4x0:
      let (size, byteCount) = (ggufType.blockElements, ggufType.blockBytes)
      for block in 0..<values.count / size {
        let (place, start) = (target + block * byteCount, source + block * size)
        let wrong = self == .q8x0 ? Self.encodeQ8(start, place) : Self.encodeQ4(start, place)
        if let wrong { return block * size + wrong }
      }
    }
    return nil
  }

  /// A block of 32: a scale in half precision, then 32 whole numbers from -127 to 127.
  private static func encodeQ8(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer
  ) -> Int? {
    let (place, isFinite) = largest(values)
    let scale = abs(values[place]) / 127
    guard isFinite, store(scale, bytes) else { return place }
    let inverse = inverse(of: scale)
    for index in 0..<32 {
      let nearest = (values[index] * inverse).rounded(.toNearestOrAwayFromZero)
      bytes.storeBytes(of: Int8(nearest), toByteOffset: 2 + index, as: Int8.self)
    }
    return nil
  }

  /// A block of 32: a scale in half precision, of the sign that gives the largest element -8, then 32
  /// numbers of 4 bits: those of the first half below those of the second.
  private static func encodeQ4(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer
  ) -> Int? {
    let (place, isFinite) = largest(values)
    let scale = values[place] / -8
    guard isFinite, store(scale, bytes) else { return place }
    let inverse = inverse(of: scale)
    func level(_ index: Int) -> UInt8 { min(15, UInt8(values[index] * inverse + 8.5)) }
    for index in 0..<16 {
      bytes.storeBytes(
        of: level(index) | level(index + 16) << 4, toByteOffset: 2 + index, as: UInt8.self)
    }
    return nil
  }

  /// The first of the elements with the largest magnitude, or the first that is not finite.
  private static func largest(_ values: UnsafePointer<Float>) -> (place: Int, isFinite: Bool) {
    var place = 0
    for index in 0..<32 {
      if !values[index].isFinite { return (index, false) }
      if abs(values[index]) > abs(values[place]) { place = index }
    }
    return (place, true)
  }

  /// Of a scale so small that its inverse is none, half precision keeps nothing: all elements are zero.
  private static func inverse(of scale: Float) -> Float {
    let inverse = 1 / scale
    return inverse.isFinite ? inverse : 0
  }

  /// Whether the scale fits.
  private static func store(_ scale: Float, _ bytes: UnsafeMutableRawPointer) -> Bool {
    let bits = scale.halfBits
    bytes.storeBytes(of: bits, as: UInt16.self)
    return bits & 0x7FFF != 0x7C00
  }
}
