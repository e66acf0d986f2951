#if canImport(Glibc)
  import Glibc
#endif

/// What memory this process uses.
enum ResidentMemory {
  /// Bytes in memory now, shared ones included; 0 where Linux does not tell.
  static var byteCount: Int {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    // Pages: of the address space, then in memory, then others. Nothing is allocated: this is asked in training.
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { text in
      let count = read(file, text.baseAddress, text.count)
      var field = 0
      var pages = 0
      for byte in text.prefix(max(0, count)) {
        if byte == UInt8(ascii: " ") {
          field += 1
        } else if field == 1 {
          pages = 10 * pages + Int(byte) - Int(UInt8(ascii: "0"))
        }
      }
      return pages * sysconf(Int32(_SC_PAGESIZE))
    }
  }
}
