import Foundation

/// Memory of this process alone, for what is decrypted into it; not in core dumps, where the system has
/// that.
final class PrivateMemory: Sendable {
  nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  /// - Parameter byteCount: 0 or more.
  init(byteCount: Int) {
    guard byteCount > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address, address != MAP_FAILED else {
      preconditionFailure("no memory for the \(byteCount) bytes of an encrypted file")
    }
    #if os(Linux)
      madvise(address, byteCount, MADV_DONTDUMP)
    #endif
    bytes = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
  }

  deinit {
    guard let base = bytes.baseAddress else { return }
    munmap(base, bytes.count)
  }
}
