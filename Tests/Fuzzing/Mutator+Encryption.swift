import Crypto

/// What somebody who knows the encrypted format, and not the key, makes of a file.
extension Mutator {
  private static let headerByteCount = 80
  private static let tagByteCount = 16
  /// Where the header's checksum stands: behind all that it is of.
  private static let checksum = 72..<80

  mutating func encrypted(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= Self.headerByteCount else { return blindly(bytes) }
    let changed =
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: words(bytes)
      case 1: withOtherChunks(bytes)
      case 2: withOtherLength(bytes)
      default: blindly(bytes)
      }
    // Mostly the header is made to fit, or nothing but the checksum would be tried.
    return chance(3, of: 4) ? withChecksum(changed) : changed
  }

  /// Chunks change places, or one takes another's.
  private mutating func withOtherChunks(_ bytes: [UInt8]) -> [UInt8] {
    let chunks = chunks(of: bytes)
    let (one, other) = (pick(chunks), pick(chunks))
    guard one.count == other.count else { return blindly(bytes) }
    var result = bytes
    result.replaceSubrange(one, with: bytes[other])
    if chance(1, of: 2) { result.replaceSubrange(other, with: bytes[one]) }
    return result
  }

  /// Fewer chunks, or some twice, and the content's length that this would be.
  private mutating func withOtherLength(_ bytes: [UInt8]) -> [UInt8] {
    let chunks = chunks(of: bytes)
    let count = Int.random(in: 0...chunks.count + 1, using: &generator)
    let taken = (0..<count).map { chunks[$0 % chunks.count] }
    var result = Array(bytes[..<Self.headerByteCount]) + taken.flatMap { bytes[$0] }
    let length = taken.reduce(0) { $0 + $1.count - Self.tagByteCount }
    for index in 0..<8 { result[16 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    return result
  }

  /// Where the chunks are, with their tags, in a file of the length that `lockstep encrypt` gives them.
  private func chunks(of bytes: [UInt8]) -> [Range<Int>] {
    let stride = 65_536 + Self.tagByteCount
    let starts = Array(Swift.stride(from: Self.headerByteCount, to: bytes.count, by: stride))
    return starts.isEmpty
      ? [bytes.count..<bytes.count] : starts.map { $0..<min($0 + stride, bytes.count) }
  }

  private func withChecksum(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= Self.headerByteCount else { return bytes }
    var result = bytes
    let sum = SHA256.hash(data: bytes[..<Self.checksum.lowerBound]).prefix(Self.checksum.count)
    result.replaceSubrange(Self.checksum, with: Array(sum))
    return result
  }
}
