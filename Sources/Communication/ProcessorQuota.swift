import CLockstepHost

/// How much time of the host's processors this process may use.
package enum ProcessorQuota {
  /// In processors, begun ones counted; nil where nothing limits it.
  package static var current: Int? { current(processes: "/proc", groups: "/sys/fs/cgroup") }

  /// The least of what the process's control group and all above it allow, of version 1 or 2.
  ///
  /// - Parameters:
  ///   - processes: Where the file system of processes is.
  ///   - groups: Where control groups are.
  package static func current(processes: String, groups: String) -> Int? {
    let quota = CHost_processorQuota(processes, groups)
    return quota == .max ? nil : Int(quota)
  }
}
