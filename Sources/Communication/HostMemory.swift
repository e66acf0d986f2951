import CLockstepHost

/// What the host can still give.
package enum HostMemory {
  /// Bytes that can be used before the system swaps or kills, or nil where it does not say.
  ///
  /// The smaller of what the kernel calls available and what the control group allows at all.
  /// Sources: proc(5), "MemAvailable"; the kernel's cgroup-v2.rst, "memory.max".
  package static var available: Int? {
    var available = Int64(0)
    return CHost_memoryAvailable(&available) == 0 ? Int(available) : nil
  }

  /// Bytes that /dev/shm has left; -1 where there is none.
  package static var sharedFree: Int { Int(CHost_sharedMemoryFree()) }
}
