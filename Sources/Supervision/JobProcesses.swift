import Foundation
import LockstepFiles

/// The processes of a job on this host, whatever their parent is by now.
///
/// They carry the job's mark in their environment, which the launcher passes on to every rank; so
/// they are found when the launcher was killed, and nobody else's process is ever among them.
package final class JobProcesses {
  /// The environment variable with the job's mark.
  package static let variable = "LOCKSTEP_JOB"

  package let mark: String
  /// Where the kernel shows processes.
  private let processes = "/proc"
  /// What launchers made for ranks that were seen, and remove if they end in order.
  private var leftovers: Set<String> = []
  /// Launchers of the job so far that may have left the directory that they begin with.
  private var launchers: Set<Int32> = []
  /// Where Open MPI puts that.
  private let temporary: String

  /// - Parameter temporary: Where temporary files are. Default: `TMPDIR`, else `/tmp`.
  package init(mark: String, temporary: String? = nil) {
    self.mark = mark
    self.temporary =
      temporary ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
  }

  /// A launcher of the job was started here: killed as it begins, it leaves `ompi.HOST.USER/pid.NUMBER`,
  /// which nothing has mapped yet.
  package func note(launcher process: Int32) { launchers.insert(process) }

  /// A process of the job.
  package struct Member {
    package let process: Int32
    /// Whether it is a rank, and not its launcher.
    package let isRank: Bool
  }

  /// All that are there now. Only what shares this process's network is on its host: several hosts
  /// on one machine are namespaces.
  package func members() -> [Member] {
    let names = (try? FileSystem.names(in: processes)) ?? []
    return names.flatMap { name -> [Member] in
      guard let process = Int32(name), process != getpid(),
        let environment = environment(of: name), environment[Self.variable] == mark,
        FileSystem.areSame("\(processes)/\(name)/ns/net", "\(processes)/self/ns/net")
      else { return [] }
      let isRank = environment["OMPI_COMM_WORLD_RANK"] != nil
      let member = Member(process: process, isRank: isRank)
      leftovers.formUnion(mappedFiles(of: name))
      guard isRank else { return [member] }
      // Open MPI's daemon on another host is started without the job's environment.
      guard let daemon = daemon(above: name) else { return [member] }
      leftovers.formUnion(mappedFiles(of: "\(daemon)"))
      return [member, Member(process: daemon, isRank: false)]
    }
  }

  private func environment(of name: String) -> [String: String]? {
    guard let bytes = try? FileContents.read("\(processes)/\(name)/environ", limit: 16 << 20)
    else { return nil }
    var variables: [String: String] = [:]
    for variable in bytes.split(separator: 0) {
      let parts = variable.split(separator: UInt8(ascii: "="), maxSplits: 1)
      guard parts.count == 2 else { continue }
      variables[String(decoding: parts[0], as: UTF8.self)] = String(
        decoding: parts[1], as: UTF8.self)
    }
    return variables
  }

  /// What Open MPI has made for a process: shared memory by which ranks of a host send messages to each
  /// other, and the directory of a job, `/tmp/ompi.HOST.USER/pid.NUMBER`. Each is mapped.
  private func mappedFiles(of name: String) -> Set<String> {
    guard let maps = try? FileContents.read("\(processes)/\(name)/maps", limit: 64 << 20) else {
      return []
    }
    let paths = maps.split(separator: UInt8(ascii: "\n")).compactMap { line in
      line.firstIndex(of: UInt8(ascii: "/")).map { String(decoding: line[$0...], as: UTF8.self) }
    }
    return Set(paths.compactMap(Self.removable))
  }

  /// The part of a mapped file's path that a launcher would remove; nil for all other files.
  package static func removable(_ path: String) -> String? {
    if path.hasPrefix("/dev/shm/vader_segment.") { return path }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let base = parts.firstIndex(where: { $0.hasPrefix("ompi.") }), base + 1 < parts.count,
      ["pid.", "jf."].contains(where: parts[base + 1].hasPrefix)
    else { return nil }
    return parts[...(base + 1)].joined(separator: "/")
  }

  private func daemon(above name: String) -> Int32? {
    guard let bytes = try? FileContents.read("\(processes)/\(name)/stat", limit: 4096) else {
      return nil
    }
    // "PID (NAME) STATE PARENT …", and the name may hold anything.
    let text = String(decoding: bytes, as: UTF8.self)
    guard let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 1, let parent = Int32(fields[1]),
      let called = try? FileContents.read("\(processes)/\(parent)/comm", limit: 4096),
      String(decoding: called, as: UTF8.self) == "orted\n"
    else { return nil }
    return parent
  }

  /// Ends all of them, stopped ones too, and waits until they are gone: the ranks first, so that their
  /// launcher, if it can, ends in order; then whatever is left. What a launcher that was killed would
  /// have removed is removed.
  ///
  /// - Parameter atOnce: Whether the launcher is not given time either: one that can not reach a host waits
  ///   for it in vain. Default: it has time.
  /// - Returns: Whether none is left: one that the kernel can not end, since it waits for a device,
  ///   stays.
  @discardableResult
  package func end(atOnce: Bool = false) -> Bool {
    defer { removeLeftovers() }
    for look in 0..<Self.looks {
      let left = members()
      if left.isEmpty { return true }
      for member in left where atOnce || member.isRank || look >= Self.orderlyLooks {
        kill(member.process, SIGKILL)
      }
      usleep(20_000)
    }
    return members().isEmpty
  }

  private func removeLeftovers() {
    for name in (try? FileSystem.names(in: temporary)) ?? [] where name.hasPrefix("ompi.") {
      for launcher in launchers {
        let path = "\(temporary)/\(name)/pid.\(launcher)"
        if FileSystem.isDirectory(path) { leftovers.insert(path) }
      }
    }
    launchers = []
    for path in leftovers.sorted() {
      // A launcher that does end in order may be removing it, too, so that parts are gone.
      for _ in 0..<10 where (try? FileSystem.remove(path)) == nil { usleep(20_000) }
      // `/tmp/ompi.HOST.USER`, unless another job is in it.
      let parent = FileSystem.parent(of: path)
      if parent.contains("/ompi.") { FileSystem.removeEmpty([parent]) }
    }
    leftovers = []
  }

  /// Looks of 20 milliseconds: in all, and those in which a launcher may end in order.
  private static let looks = 125
  private static let orderlyLooks = 75
}

/// Notices when one of a job's ranks on this host has ended.
package struct RankWatch {
  private let search: () -> [Int32]
  private var known: [Int32] = []
  /// How often a search has found the same ranks: reading every process's environment takes a while,
  /// so it ends when no more will come.
  private var sameCount = 0
  private static let enough = 10
  /// When a host that has had no rank so far is searched again: it may never get one.
  private var nextSearch = ContinuousClock.now
  private static let pause = Duration.seconds(1)

  init(of job: JobProcesses) {
    self.init { job.members().filter(\.isRank).map(\.process) }
  }

  /// - Parameter search: Finds the ranks that are there.
  package init(search: @escaping () -> [Int32]) {
    self.search = search
  }

  /// Looks for ranks that came, and tells whether one that was there is not any more.
  package mutating func look(at now: ContinuousClock.Instant = .now) -> Bool {
    if known.contains(where: { !Self.isThere($0) }) {
      forget()
      return true
    }
    guard sameCount < Self.enough || (known.isEmpty && now >= nextSearch) else { return false }
    let found = search()
    nextSearch = now + Self.pause
    sameCount = found == known ? sameCount + 1 : 0
    known = found
    return false
  }

  private static func isThere(_ process: Int32) -> Bool {
    kill(process, 0) == 0 || errno == EPERM
  }

  /// Forgets the ranks of a job that is over.
  mutating func forget() {
    known = []
    sameCount = 0
  }
}
