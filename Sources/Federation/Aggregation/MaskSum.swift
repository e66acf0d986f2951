import LockstepKeys
import LockstepParallelism

/// Masks that are added to a vector, or subtracted from it: element i of each is a function of its key and of i.
struct MaskSum: Sendable {
  struct Term: Sendable {
    let stream: ChaCha20Stream
    let subtracts: Bool

    func add(
      _ words: UnsafePointer<UInt64>, to values: UnsafeMutablePointer<UInt64>, count: Int
    ) {
      if subtracts {
        for index in 0..<count { values[index] &-= words[index] }
      } else {
        for index in 0..<count { values[index] &+= words[index] }
      }
    }
  }

  /// Elements of a block, which has a nonce of its own.
  private static let blockLength = ChaCha20Stream.blockSize / 8

  private(set) var terms: [Term] = []

  mutating func add(_ stream: ChaCha20Stream) {
    terms.append(Term(stream: stream, subtracts: false))
  }

  mutating func subtract(_ stream: ChaCha20Stream) {
    terms.append(Term(stream: stream, subtracts: true))
  }

  /// The mask between two clients: added by the one with the lower number, subtracted by the other.
  mutating func add(_ stream: ChaCha20Stream, by client: Int, with other: Int) {
    client < other ? add(stream) : subtract(stream)
  }

  /// Adds all masks to elements `first` ..< `first + values.count` of a vector.
  ///
  /// - Parameter threads: Share the work; their number does not matter to the result.
  func apply(
    to values: UnsafeMutableBufferPointer<UInt64>, from first: Int, on threads: ThreadPool
  ) {
    precondition(first >= 0, "a vector has no element \(first)")
    guard let base = values.baseAddress, !values.isEmpty else { return }
    let end = first + values.count
    let firstBlock = first / Self.blockLength
    nonisolated(unsafe) let start = base
    threads.run(tasks: (end - 1) / Self.blockLength - firstBlock + 1) { task in
      let block = firstBlock + task
      let range =
        max(first, block * Self.blockLength)..<min(end, (block + 1) * Self.blockLength)
      let skipped = range.lowerBound - block * Self.blockLength
      for term in terms {
        term.stream.withWords(nonce: Self.nonce(of: block), count: skipped + range.count) {
          term.add($0 + skipped, to: start + (range.lowerBound - first), count: range.count)
        }
      }
    }
  }

  /// Keys are of one round and one purpose, so blocks alone tell nonces apart.
  private static func nonce(of block: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: 4)
      + (0..<8).reversed().map { UInt8(truncatingIfNeeded: block >> (8 * $0)) }
  }
}
