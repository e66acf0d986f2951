import CLockstepHost

/// What the host can still give.
package enum HostMemory {
  /// Bytes that can be used before the system swaps or kills, or nil where it does not say.
  package static var available: Int? { available(processes: "/proc", groups: "/sys/fs/cgroup") }

  /// The smallest of what the kernel calls available and what is left below the limits of this
  /// process's control group and of all above it, of version 1 or 2.
  ///
  /// Sources: proc(5), "MemAvailable"; cgroups(7).
  ///
  /// - Parameters:
  ///   - processes: Where the file system of processes is.
  ///   - groups: Where control groups are.
  package static func available(processes: String, groups: String) -> Int? {
    var available = Int64(0)
    return CHost_memoryAvailable(processes, groups, &available) == 0 ? Int(available) : nil
  }

  /// Bytes that /dev/shm has left; nil where there is none, or it has no limit.
  package static var sharedFree: Int? {
    let bytes = CHost_sharedMemoryFree()
    return bytes < 0 ? nil : Int(bytes)
  }
}
