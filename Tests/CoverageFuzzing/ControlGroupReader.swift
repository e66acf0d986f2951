import CLockstepHost
import Foundation
import ReaderClaims

/// The kernel's files about memory and control groups, which C reads. An input is all of them, one after
/// the other, with a zero byte between.
struct ControlGroupReader {
  private static let files = [
    "self/cgroup", "meminfo", "memory.max", "memory.current", "memory.stat", "cpu.max",
    "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat",
    "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us",
  ]

  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "lockstep-groups-\(getpid())").path

  func read(_ bytes: UnsafeRawBufferPointer) throws {
    let contents = bytes.split(separator: 0, omittingEmptySubsequences: false)
    for (index, name) in Self.files.enumerated() {
      try write(index < contents.count ? Array(contents[index]) : [], to: "\(folder)/\(name)")
    }
    var available = Int64(0)
    if CHost_memoryAvailable(folder, folder, &available) == 0 {
      try SilentAcceptance.unless(available >= 0, "\(available) bytes of memory")
    }
    let quota = CHost_processorQuota(folder, folder)
    try SilentAcceptance.unless(quota > 0, "a quota of \(quota) processors")
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    for _ in 0..<2 {
      if let file = fopen(path, "w") {
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        return
      }
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    }
    fatalError("\(path) can not be written")
  }
}
