import LockstepFiles

/// What a process does with signals, as the kernel shows it.
enum SignalDisposition {
  /// Whether a process has a function for a signal, which else would end it or be lost.
  static func isCaught(_ signal: Int32, by process: Int32) -> Bool {
    guard let bytes = try? FileContents.read("/proc/\(process)/status", limit: 1 << 16) else {
      return false
    }
    let bit = UInt64(1) << UInt64(signal - 1)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
      // "SigCgt:	00000001000046f9"
      let words = line.split { $0 == "\t" || $0 == " " }
      guard words.count == 2, words[0] == "SigCgt:" else { return false }
      return UInt64(words[1], radix: 16).map { $0 & bit != 0 } ?? false
    }
  }
}
