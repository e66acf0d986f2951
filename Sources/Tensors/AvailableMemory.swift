#if canImport(Glibc)
  import Glibc
#endif

/// What memory the host can still give, and the end of a process that needs more.
enum AvailableMemory {
  /// Bytes from which on a buffer is compared with what there is: smaller ones are not worth looking.
  static let leastChecked = 256 << 20

  /// Ends the process with a message where a buffer would not fit. The kernel would promise the memory
  /// and kill the process, or another one, once it is written to.
  static func require(_ bytes: Int) {
    guard bytes >= leastChecked, let available = current(), bytes > available else { return }
    end(needing: bytes, available: available)
  }

  /// Says what was needed, and ends the process with exit code 1.
  static func end(needing bytes: Int, available: Int?) -> Never {
    let there = available.map { ", and \($0) are available" } ?? ""
    let message =
      "lockstep: out of memory: a tensor needs \(bytes) bytes\(there). Take fewer sequences at a time, a "
      + "shorter context or a smaller model.\n"
    _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(1)
  }

  /// The smaller of what the kernel calls available and what the control group allows at all; nil where
  /// neither says. Sources: proc(5), "MemAvailable"; the kernel's cgroup-v2.rst, "memory.max".
  private static func current() -> Int? {
    let kilobytes = number(in: "/proc/meminfo", after: "MemAvailable:")
    var available = kilobytes.map { $0 * 1024 }
    if let limit = number(in: "/sys/fs/cgroup/memory.max") {
      available = min(available ?? .max, limit)
    }
    return available
  }

  /// The first number of a file, or the first behind a word.
  private static func number(in path: String, after word: String = "") -> Int? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = line.withUnsafeBufferPointer { buffer in
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
      guard text.hasPrefix(word) else { continue }
      let digits = text.dropFirst(word.utf8.count).drop { $0 == " " }.prefix { $0.isNumber }
      return Int(digits)
    }
    return nil
  }
}
