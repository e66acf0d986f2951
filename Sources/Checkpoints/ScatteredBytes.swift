/// Bytes that lie in several places of memory, seen as one sequence. The places belong to whoever made
/// the value, and must outlive its use.
struct ScatteredBytes {
  private let parts: [UnsafeRawBufferPointer]
  /// Where each part begins in the sequence, and last where the sequence ends.
  private let starts: [Int]

  /// Number of bytes.
  var count: Int { starts[parts.count] }
  /// Whether all lie in one place.
  var isContiguous: Bool { parts.count <= 1 }

  init(_ parts: [UnsafeRawBufferPointer]) {
    self.parts = parts.filter { !$0.isEmpty }
    starts = self.parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  /// Some of the bytes, in one place: where they lie, if that is one, or copied.
  ///
  /// - Parameter scratch: Takes the copy; not needed where all bytes lie in one place.
  func contiguous(
    _ range: Range<Int>, scratch: UnsafeMutableRawBufferPointer?
  ) -> UnsafeRawBufferPointer {
    let index = part(holding: range.lowerBound)
    if range.upperBound <= starts[index + 1] {
      let place = range.lowerBound - starts[index]..<range.upperBound - starts[index]
      return UnsafeRawBufferPointer(rebasing: parts[index][place])
    }
    guard let scratch else { preconditionFailure("bytes in several places need scratch memory") }
    let destination = UnsafeMutableRawBufferPointer(rebasing: scratch[..<range.count])
    copy(from: range.lowerBound, into: destination)
    return UnsafeRawBufferPointer(destination)
  }

  /// Copies as many bytes as the destination takes.
  func copy(from start: Int, into destination: UnsafeMutableRawBufferPointer) {
    var index = destination.isEmpty ? 0 : part(holding: start)
    var filled = 0
    while filled < destination.count {
      let begin = start + filled - starts[index]
      let length = min(parts[index].count - begin, destination.count - filled)
      UnsafeMutableRawBufferPointer(rebasing: destination[filled..<filled + length])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: parts[index][begin..<begin + length]))
      (filled, index) = (filled + length, index + 1)
    }
  }

  /// The part that holds the byte of this number.
  private func part(holding place: Int) -> Int {
    var (low, high) = (0, parts.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= place { low = middle } else { high = middle - 1 }
    }
    return low
  }
}
