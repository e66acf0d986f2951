// A program that uses Communication under a launcher, for tests and measurements.
//
//     mpirun -np 4 communication-probe reduce --elements 100000 --leaves 8 --ranks-per-host 2

import LockstepCommunication
import LockstepMPICommunication
import TestSupport

#if canImport(Glibc)
  import Glibc
#endif

let options = ProbeOptions(CommandLine.arguments.dropFirst())
do {
  if let size = options.number("threads") {
    let group = try InProcessGroup(size: size, ranksPerHost: options.number("ranks-per-host"))
    _ = try group.run { communicator in
      try Probe(communicator, options).run()
    }
  } else {
    let library = MessageLibrary.mpi(
      ranksPerHost: options.number("ranks-per-host"),
      segmentsAreFiles: options.number("files") != nil)
    guard case .present(_, let begin) = library else {
      throw Probe.Failure(description: "built without MPI: only --threads")
    }
    let session = try begin()
    do {
      try Probe(session.communicator, options).run()
      try session.finish {
        // A rank that is stopped when all have parted.
        let seconds = Double(options.number("limit") ?? 60)
        if options.number("stop") == session.communicator.rank { raise(SIGSTOP) }
        _ = WaitLimit(seconds: seconds, rank: session.communicator.rank) {
          _ = "communication-probe: the end\n".withCString { write(STDERR_FILENO, $0, strlen($0)) }
        }
      }
    } catch {
      session.communicator.abort(because: error, exitCode: 3)
    }
  }
} catch {
  _ = "communication-probe: \(error)\n".withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(3)
}
