import CLockstepHost

#if canImport(Glibc)
  import Glibc
#endif

/// What a rank was doing when its job was ended: written down by its own watch.
package struct FlightRecord {
  let rank: Int
  let size: Int
  let address: WatchNetwork.Address
  /// Rank 0's host, where the run's files are.
  let isFirstHost: Bool
  let stall: Stall?
  let standings: [RankStanding]
  let calls: [String]

  /// The file of a host: in the run's directory where the host has it, else in that for temporary files.
  ///
  /// - Parameter host: Nil: the first one.
  static func path(step: Int, directory: String?, host: String?) -> String {
    let name = "flight-\(step)\(host.map { "-\($0)" } ?? "").txt"
    if let directory, access(directory, W_OK) == 0 { return "\(directory)/\(name)" }
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return "\(temporary)/lockstep-\(name)"
  }

  /// Opens a file to append to it. A link is not followed, and a pipe is not waited for.
  ///
  /// - Parameter isOwn: Whether a file of another user is left alone: in a directory in which anyone may have put it.
  /// - Returns: A descriptor, or -1.
  package static func open(_ path: String, isOwn: Bool) -> Int32 {
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    let file = Glibc.open(path, flags, 0o644)
    var status = stat()
    if file < 0
      || fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        && (!isOwn || status.st_uid == geteuid())
    {
      return file
    }
    close(file)
    return -1
  }

  /// Adds this rank's section. What can not be written is left out: the job ends anyway.
  func write(step: Int, directory: String?) {
    let path = Self.path(
      step: step, directory: directory, host: isFirstHost ? nil : address.host)
    let isInRun = directory.map { path.hasPrefix($0 + "/") } ?? false
    let file = Self.open(path, isOwn: !isInRun)
    guard file >= 0 else { return }
    defer { close(file) }
    // One section after the other; but who holds the lock may be stuck.
    for _ in 0..<100 where flock(file, LOCK_EX | LOCK_NB) != 0 { usleep(10_000) }
    var time = time(nil)
    var fields = tm()
    gmtime_r(&time, &fields)
    var stamp = [CChar](repeating: 0, count: 32)
    strftime(&stamp, stamp.count, "%Y-%m-%dT%H:%M:%SZ", &fields)
    let date = String(
      decoding: stamp.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    var lines = [
      "== rank \(rank) of \(size), host \(address.host), process \(address.processID), \(date)",
      "waiting: \(stall.map { "\($0)" } ?? "nobody, as far as this rank knows")",
      "what it knew of the ranks:",
    ]
    lines += standings.map { "  \($0)\($0.isWaiting ? ", in which it waits" : "")" }
    lines.append("its last collectives, the latest last:")
    lines += calls
    lines.append("its threads:")
    let text = lines.joined(separator: "\n") + "\n"
    _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
    CHost_writeStacks(file)
  }
}
