import LockstepFiles
import LockstepSweeps
import LockstepTraining

/// Finds the runs that a person means by a path.
package struct RunSearch: Sendable {
  /// A run, and the sweep whose trial it is.
  package struct Found: Hashable, Sendable {
    package let path: String
    /// The sweep's directory; nil for a run of its own.
    package let sweep: String?
    /// How the page calls it.
    package let name: String
  }

  /// Directories below a given one are looked through as far as this.
  static let deepest = 4

  private let roots: [String]
  /// Whether a root need not exist yet: where nothing was given, runs may still be to come.
  private let waits: Bool

  /// - Parameter paths: Runs, sweeps, directories that contain some. Empty: all below `runs`.
  package init(paths: [String]) {
    roots = paths.isEmpty ? ["runs"] : paths.map(Self.withoutTrailingSlash)
    waits = paths.isEmpty
  }

  /// - Throws: `WatchingError` where a path leads to no run.
  package func requireRuns() throws(WatchingError) {
    guard !waits else { return }
    for root in roots {
      guard (try? FileSystem.exists(root)) == true else { throw .missing(path: root) }
      guard isSweep(root) || !runs(below: root, sweep: nil, depth: 0).isEmpty else {
        throw .noRun(path: root)
      }
    }
  }

  /// All runs that are there now, each once, in the order of the paths and of their names.
  package func runs() -> [Found] {
    var known: Set<String> = []
    return roots.flatMap { root in
      runs(below: root, sweep: nil, depth: 0).map { path, sweep in
        Found(path: path, sweep: sweep, name: name(of: path, below: root))
      }
    }.filter { known.insert($0.path).inserted }
  }

  /// The sweeps among the paths and below them.
  package func sweeps() -> [String] {
    roots.flatMap { sweeps(below: $0, depth: 0) }
  }

  // MARK: - Walking

  private func isRun(_ path: String) -> Bool {
    (try? FileSystem.exists(RunDirectory(path: path).configurationPath)) == true
  }

  private func isSweep(_ path: String) -> Bool {
    (try? FileSystem.exists(SweepDirectory(path: path).configurationPath)) == true
  }

  private func runs(
    below path: String, sweep: String?, depth: Int
  ) -> [(path: String, sweep: String?)] {
    if isRun(path) { return [(path, sweep)] }
    let sweep = isSweep(path) ? path : sweep
    return folders(in: path, depth: depth).flatMap {
      runs(below: $0, sweep: sweep, depth: depth + 1)
    }
  }

  private func sweeps(below path: String, depth: Int) -> [String] {
    if isRun(path) { return [] }
    if isSweep(path) { return [path] }
    return folders(in: path, depth: depth).flatMap { sweeps(below: $0, depth: depth + 1) }
  }

  /// Directories in one, without hidden ones, as long as it is not too deep.
  private func folders(in path: String, depth: Int) -> [String] {
    guard depth < Self.deepest, let names = try? FileSystem.names(in: path) else { return [] }
    return names.filter { !$0.hasPrefix(".") }.map { path + "/" + $0 }
      .filter(FileSystem.isDirectory)
  }

  /// The path without what the root adds, where something is left.
  private func name(of path: String, below root: String) -> String {
    guard path != root else { return path }
    let inRoot = String(path.dropFirst(root.count + 1))
    guard roots.count > 1 || isSweep(root) else { return inRoot }
    return (root.split(separator: "/").last.map { $0 + "/" } ?? "") + inRoot
  }

  private static func withoutTrailingSlash(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
