/// Stored elements as `Float`: what the `gguf` package's `dequantize` gives, bit for bit.
///
/// Products and sums are rounded one by one: Swift joins none to a fused operation.
extension GGUFElementType {
  /// - Parameters:
  ///   - bytes: Whole blocks of this type, which is readable.
  ///   - values: As many elements.
  func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
    precondition(
      values.count.isMultiple(of: blockElements) && bytes.count == byteCount(of: values.count),
      "\(bytes.count) bytes are not \(values.count) elements of \(name)")
    guard let source = bytes.baseAddress, let target = values.baseAddress else { return }
    let reader = BlockReader(source: source)
    switch self {
    case .f32: UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
    case .f16:
      for index in values.indices { target[index] = Float(halfBits: reader.bits(at: 2 * index)) }
    case .bf16:
      for index in values.indices { target[index] = Float(brainBits: reader.bits(at: 2 * index)) }
    default:
      for block in 0..<values.count / blockElements {
        decodeBlock(
          BlockReader(source: source + block * blockBytes), into: target + block * blockElements)
      }
    }
  }

  private func decodeBlock(_ block: BlockReader, into values: UnsafeMutablePointer<Float>) {
    switch self {
    case .q4x0:
      block.nibbles(at: 2, count: 16) { values[$0] = block.half(at: 0) * Float(Int($1) - 8) }
    case .q4x1:
      let (scale, least) = (block.half(at: 0), block.half(at: 2))
      block.nibbles(at: 4, count: 16) { values[$0] = scale * Float($1) + least }
    case .q5x0:
      let (scale, fifths) = (block.half(at: 0), block.bits(at: 2, UInt32.self))
      block.nibbles(at: 6, count: 16) { index, low in
        let high = Int(fifths >> UInt32(index) & 1)
        values[index] = scale * Float(Int(low) + 16 * high - 16)
      }
    case .q5x1:
      let (scale, least) = (block.half(at: 0), block.half(at: 2))
      let fifths = block.bits(at: 4, UInt32.self)
      block.nibbles(at: 8, count: 16) { index, low in
        let high = Int(fifths >> UInt32(index) & 1)
        values[index] = scale * Float(Int(low) + 16 * high) + least
      }
    case .q8x0:
      let scale = block.half(at: 0)
      for index in 0..<32 { values[index] = Float(block.signed(at: 2 + index)) * scale }
    case .q4K: decodeQ4K(block, into: values)
    case .q6K: decodeQ6K(block, into: values)
    default: preconditionFailure("\(name) is not readable")
    }
  }

  /// 8 parts of 32 elements, each with a scale and an offset of 6 bits; these have a common scale.
  private func decodeQ4K(_ block: BlockReader, into values: UnsafeMutablePointer<Float>) {
    let (scale, offset) = (block.half(at: 0), block.half(at: 2))
    for part in 0..<8 {
      let (low, high): (UInt8, UInt8)
      if part < 4 {
        low = block.byte(at: 4 + part) & 63
        high = block.byte(at: 8 + part) & 63
      } else {
        let rest = block.byte(at: 8 + part)
        low = rest & 15 | block.byte(at: part) >> 2 & 48
        high = rest >> 4 | block.byte(at: 4 + part) >> 2 & 48
      }
      let (partScale, partOffset) = (scale * Float(low), offset * Float(high))
      for index in 0..<32 {
        let byte = block.byte(at: 16 + part / 2 * 32 + index)
        let nibble = part.isMultiple(of: 2) ? byte & 15 : byte >> 4
        values[32 * part + index] = partScale * Float(nibble) - partOffset
      }
    }
  }

  /// 16 parts of 16 elements of 6 bits, each with a scale of 8; these have a common scale.
  private func decodeQ6K(_ block: BlockReader, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 208)
    for index in 0..<256 {
      let (half, place) = (index / 128, index % 128)
      let (quarter, column) = (place / 32, place % 32)
      let lows = block.byte(at: 64 * half + place % 64)
      let low = quarter < 2 ? lows & 15 : lows >> 4
      let high = block.byte(at: 128 + 32 * half + column) >> UInt8(2 * quarter) & 3
      let partScale = scale * Float(block.signed(at: 192 + index / 16))
      values[index] = partScale * Float(Int(low | high << 4) - 32)
    }
  }
}

/// The bytes of a block.
private struct BlockReader {
  let source: UnsafeRawPointer

  func byte(at offset: Int) -> UInt8 { source.load(fromByteOffset: offset, as: UInt8.self) }

  func signed(at offset: Int) -> Int8 { source.load(fromByteOffset: offset, as: Int8.self) }

  func bits<Bits: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, _ type: Bits.Type = Bits.self
  ) -> Bits {
    Bits(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: Bits.self))
  }

  func half(at offset: Int) -> Float { Float(halfBits: bits(at: offset)) }

  /// Elements of 4 bits: the lower halves of all bytes first, then the upper ones.
  func nibbles(at offset: Int, count: Int, _ body: (Int, UInt8) -> Void) {
    for index in 0..<count {
      let byte = byte(at: offset + index)
      body(index, byte & 15)
      body(count + index, byte >> 4)
    }
  }
}
