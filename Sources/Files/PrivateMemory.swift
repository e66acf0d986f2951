import Foundation

/// Memory of this process alone, for what is decrypted into it; not in core dumps, where the system has
/// that.
final class PrivateMemory: Sendable {
  nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  /// - Parameters:
  ///   - byteCount: 0 or more.
  ///   - path: The encrypted file, for errors.
  /// - Throws: `FileError`, with `ENOMEM` where there is too little memory.
  init(byteCount: Int, for path: String) throws(FileError) {
    guard byteCount > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    if let available = MemoryRoom.available, byteCount > available {
      throw Self.shortage(of: byteCount, available: available, path)
    }
    let address = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address, address != MAP_FAILED else {
      throw Self.shortage(of: byteCount, available: nil, path)
    }
    #if os(Linux)
      madvise(address, byteCount, MADV_DONTDUMP)
    #endif
    bytes = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
  }

  private static func shortage(of byteCount: Int, available: Int?, _ path: String) -> FileError {
    let there = available.map { ", and \($0) are available" } ?? ""
    return FileError(
      operation: "decrypt", path: path, code: ENOMEM,
      explanation: "it takes \(byteCount) bytes of memory\(there); read it where there is more, or "
        + "read what 'lockstep decrypt' makes of it")
  }

  deinit {
    guard let base = bytes.baseAddress else { return }
    munmap(base, bytes.count)
  }
}
