import Foundation

/// Memory for secrets: never written to swap or to a core dump where the system allows it, and
/// overwritten with zeros before it is given back.
///
/// What is copied out of it is the copier's to wipe. `SymmetricKey` of swift-crypto does so.
package final class SecretBytes: @unchecked Sendable {
  // Sendable: it is filled before any other thread has it.
  /// Number of bytes.
  package let count: Int
  private let base: UnsafeMutableRawPointer
  private let mappedCount: Int

  /// Zeros.
  ///
  /// - Parameter count: In bytes, at least 1.
  package init(count: Int) {
    precondition(count > 0, "a secret has at least one byte")
    self.count = count
    let page = Int(getpagesize())
    mappedCount = (count + page - 1) / page * page
    let address = mmap(
      nil, mappedCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address, address != MAP_FAILED else { preconditionFailure("no memory for a key") }
    base = address
    // Both may be refused, by a limit on locked memory: then the bytes can reach the swap.
    mlock(base, mappedCount)
    #if os(Linux)
      madvise(base, mappedCount, MADV_DONTDUMP)
    #endif
  }

  deinit {
    wipe()
    munlock(base, mappedCount)
    munmap(base, mappedCount)
  }

  /// Overwrites the bytes with zeros, which no optimisation removes.
  package func wipe() { explicit_bzero(base, mappedCount) }

  /// Calls `body` with the bytes, which stay until it returns.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(self) { () throws(Failure) in
      try body(UnsafeRawBufferPointer(start: base, count: count))
    }
  }

  /// Calls `body` with the bytes to fill them.
  package func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(self) { () throws(Failure) in
      try body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }
  }
}
