import CLockstepHost

/// What memory the host can still give, looked at before something large is taken: the kernel promises more
/// than it has, and ends a process that writes to it.
package enum MemoryRoom {
  /// Bytes; nil where the host does not say.
  package static var available: Int? {
    var available = Int64(0)
    return CHost_memoryAvailable("/proc", "/sys/fs/cgroup", &available) == 0 ? Int(available) : nil
  }
}
