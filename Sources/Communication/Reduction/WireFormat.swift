import CLockstepKernels

/// How a chunk of a node travels between hosts.
///
/// Chunks are rounded before; nothing is lost on the way. As eight bits a chunk is the scales of its blocks, then its
/// whole numbers, from the end of the last scale on.
package struct WireFormat {
  private let partialSums: PartialSums

  package init(_ partialSums: PartialSums) { self.partialSums = partialSums }

  /// Whether a chunk travels as the floats that it is: there is nothing to encode then.
  var isPlain: Bool { partialSums == .float32 }

  /// Bytes of a chunk of so many elements.
  package func byteCount(_ count: Int) -> Int {
    switch partialSums {
    case .float32: 4 * count
    case .bfloat16: 2 * count
    case .int8: Self.scaleBytes(count) + count
    }
  }

  /// Bytes of the scales of so many elements.
  private static func scaleBytes(_ count: Int) -> Int {
    let block = Int(CKERNELS_INT8_BLOCK)
    return (count + block - 1) / block * MemoryLayout<Float>.stride
  }

  /// Encodes some elements of a chunk.
  ///
  /// - Parameters:
  ///   - values: The chunk, [count].
  ///   - elements: They begin at a multiple of 128, and end at one or with the chunk.
  ///   - message: Room for the whole chunk.
  func encode(
    _ values: UnsafePointer<Float>, _ elements: Range<Int>, of count: Int,
    into message: UnsafeMutableRawPointer
  ) {
    let (source, start) = (values + elements.lowerBound, elements.lowerBound)
    switch partialSums {
    case .float32: break
    case .bfloat16:
      let halves = message.assumingMemoryBound(to: UInt16.self)
      CKernels_roundToBfloat16(source, halves + start, Int64(elements.count))
    case .int8:
      let (scales, numbers) = Self.parts(of: message, count: count)
      CKernels_encodeInt8(
        source, scales + start / Int(CKERNELS_INT8_BLOCK), numbers + start, Int64(elements.count))
    }
  }

  /// Makes floats of a whole chunk, [count].
  func decode(
    _ message: UnsafeMutableRawPointer, count: Int, into values: UnsafeMutablePointer<Float>
  ) {
    switch partialSums {
    case .float32: break
    case .bfloat16:
      let halves = message.assumingMemoryBound(to: UInt16.self)
      CKernels_decodeBfloat16(halves, values, Int64(count))
    case .int8:
      let (scales, numbers) = Self.parts(of: message, count: count)
      CKernels_decodeInt8(scales, numbers, values, Int64(count))
    }
  }

  private static func parts(
    of message: UnsafeMutableRawPointer, count: Int
  ) -> (scales: UnsafeMutablePointer<Float>, numbers: UnsafeMutablePointer<Int8>) {
    (
      message.assumingMemoryBound(to: Float.self),
      (message + scaleBytes(count)).assumingMemoryBound(to: Int8.self)
    )
  }
}
