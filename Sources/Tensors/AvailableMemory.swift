import CLockstepHost

#if canImport(Glibc)
  import Glibc
#endif

/// What memory the host can still give, and the end of a process that needs more.
enum AvailableMemory {
  /// Bytes from which on new buffers, one or several together, are compared with what there is: less is
  /// not worth looking.
  static let leastChecked = 256 << 20

  /// Ends the process with a message where memory would not fit. The kernel would promise the memory
  /// and kill the process, or another one, once it is written to.
  static func require(_ bytes: Int) {
    guard let available = current(), bytes > available else { return }
    end(needing: bytes, available: available)
  }

  /// Says what was needed, and ends the process with exit code 1.
  static func end(needing bytes: Int, available: Int?) -> Never {
    let there = available.map { ", and \($0) are available" } ?? ""
    let message =
      "lockstep: out of memory: tensors need \(bytes) more bytes\(there). Take fewer sequences at a time, a "
      + "shorter context or a smaller model.\n"
    _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(1)
  }

  /// Bytes; nil where the host does not say.
  static func current() -> Int? {
    var available = Int64(0)
    return CHost_memoryAvailable("/proc", "/sys/fs/cgroup", &available) == 0 ? Int(available) : nil
  }
}
