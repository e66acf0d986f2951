import Foundation

/// How much memory this process uses, as the kernel counts it. Source: proc(5).
struct MemoryUse {
  /// The most that was ever resident, shared pages included, in bytes.
  let peakResident: Int
  /// What is resident now, of each shared page this process's share, in bytes: over processes that
  /// share memory these add up to what they use together.
  let proportional: Int

  /// Now. Zero for what the kernel does not say.
  static var current: MemoryUse {
    MemoryUse(
      peakResident: bytes("VmHWM:", in: "/proc/self/status"),
      proportional: bytes("Pss:", in: "/proc/self/smaps_rollup"))
  }

  /// The number of kibibytes on the line that begins with `label`, in bytes.
  private static func bytes(_ label: String, in path: String) -> Int {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(label) }
    let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    return (number.flatMap { Int($0) } ?? 0) * 1024
  }
}
