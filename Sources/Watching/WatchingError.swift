import LockstepFiles
import LockstepSettings

/// Why runs can not be shown.
package enum WatchingError: UserInputError, Equatable {
  /// There is nothing at a path.
  case missing(path: String)
  /// There is something, but neither a run nor a sweep, and none below.
  case noRun(path: String)
  /// A report needs runs that have begun.
  case nothingToReport(path: String)
  case host(String)
  case addressInUse(host: String, port: Int)
  case notListening(host: String, port: Int, reason: String)
  case output(path: String, FileError)

  package var description: String {
    switch self {
    case .missing(let path):
      "\(path): no such directory: give a run, a sweep, or a directory that contains runs"
    case .noRun(let path):
      "\(path): neither a run nor a sweep, and no directory that contains runs: give one that "
        + "`lockstep train` or `lockstep sweep` has made (it has a config.yaml or sweep.yaml)"
    case .nothingToReport(let path):
      "\(path): no run has begun there: give a directory with a config.yaml that `lockstep train` "
        + "has made"
    case .host(let host):
      "--host \(host): no address of this machine: give 127.0.0.1, ::1, localhost, an IP address "
        + "of this machine, or 0.0.0.0 for all of them"
    case .addressInUse(let host, let port):
      "port \(port) of \(host) is in use: choose another --port, or leave it out and the system "
        + "chooses one"
    case .notListening(let host, let port, let reason):
      "\(host), port \(port): can not listen there: \(reason)"
    case .output(let path, let error):
      "\(path): the report can not be written: \(error.reason)"
    }
  }
}
