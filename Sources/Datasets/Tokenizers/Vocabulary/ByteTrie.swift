#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Strings of bytes, found in texts from left to right, the longest of those that begin at a place.
///
/// Most places of a text are passed over by a look at two bytes.
struct ByteTrie: Sendable {
  /// The node that a byte leads to, by the node before in the high bits and the byte in the low ones.
  private var children: [Int: Int32] = [:]
  /// For each node the number of the string that ends there, or -1. Node 0 is the root.
  private var ends: [Int32] = [-1]
  /// 1 where a string begins with two bytes, the second in the high bits, else 0, [65536]; strings of
  /// one byte go with any second one.
  private var begins = [UInt8](repeating: 0, count: 1 << 16)
  /// The byte that all strings begin with; nil where they do not agree.
  private let onlyFirst: UInt8?

  /// - Parameter strings: With their numbers; none is empty. Of equal ones the first is found.
  init(_ strings: [(number: Int32, bytes: [UInt8])]) {
    let first = Set(strings.map { $0.bytes[0] })
    onlyFirst = first.count == 1 ? first.first : nil
    for (number, bytes) in strings { insert(bytes, number) }
  }

  private mutating func insert(_ bytes: [UInt8], _ number: Int32) {
    for second in bytes.count > 1 ? bytes[1]...bytes[1] : 0...255 {
      begins[Int(bytes[0]) | Int(second) << 8] = 1
    }
    var node = 0
    for byte in bytes {
      let key = node << 8 | Int(byte)
      if let child = children[key] {
        node = Int(child)
      } else {
        node = ends.count
        children[key] = Int32(node)
        ends.append(-1)
      }
    }
    if ends[node] < 0 { ends[node] = number }
  }

  /// The first string in a range of a text; nil where there is none.
  func firstMatch(
    in text: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> (number: Int32, range: Range<Int>)? {
    var position = range.lowerBound
    while let candidate = nextCandidate(in: text, position..<range.upperBound) {
      if let match = longestMatch(in: text, candidate..<range.upperBound) { return match }
      position = candidate + 1
    }
    return nil
  }

  /// The first place in a range at which a string may begin.
  private func nextCandidate(in text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    guard !range.isEmpty, let base = text.baseAddress else { return nil }
    if let onlyFirst {
      return memchr(base + range.lowerBound, Int32(onlyFirst), range.count)
        .map { UnsafeRawPointer($0) - base }
    }
    return begins.withUnsafeBufferPointer { begins in
      func mayBegin(_ place: Int) -> UInt8 {
        begins[
          Int(UInt16(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt16.self)))]
      }
      var position = range.lowerBound
      let last = range.upperBound - 1
      // Four places at a time, for few of them end the search.
      while position + 4 <= last,
        mayBegin(position) | mayBegin(position + 1) | mayBegin(position + 2)
          | mayBegin(position + 3) == 0
      {
        position += 4
      }
      while position < last, mayBegin(position) == 0 { position += 1 }
      // The last byte has no second one beside it.
      return position
    }
  }

  /// The longest string at the beginning of a range; nil where there is none.
  func longestMatch(
    in text: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> (number: Int32, range: Range<Int>)? {
    var node = 0
    var match: (Int32, Range<Int>)?
    for position in range {
      guard let child = children[node << 8 | Int(text[position])] else { break }
      node = Int(child)
      if ends[node] >= 0 { match = (ends[node], range.lowerBound..<(position + 1)) }
    }
    return match
  }
}
