import ArgumentParser
import Foundation
import LockstepMPICommunication
import LockstepSweeps
import LockstepTraining

struct Sweep: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Searches for good values of a configuration's keys.",
    discussion: """
      The sweep's file names a configuration, the keys that vary, and how trials are chosen: a grid, \
      at random, by successive halving, or a learning-rate range test. Each trial is a run in \
      DIR/trials, for all other commands. It ends with a table, sweep.json, and sweep.html.

      Under an MPI launcher trials run one after another on all ranks, or side by side on groups of \
      them (--groups); the results are the same, bit for bit.

      SIGTERM, SIGINT, SIGHUP and SIGUSR1 save the runs under way and end it with exit code 75; \
      --resume goes on.

      Under mpirun use kill -USR1 on the process of mpirun: to the other signals it answers by ending the \
      ranks after about a second, with exit code 1, and a large model is not saved by then.
      """)

  @Argument(help: "The sweep, YAML.")
  var sweep: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Overrides one key of the configuration that trials start from.",
      valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: "The sweep's directory. Default: runs/ and the sweep's name.")
  var output: String?

  @Flag(help: "Go on with the sweep that the directory holds.")
  var resume = false

  @Option(help: "How many trials run side by side, each on its share of the ranks.")
  var groups = 1

  @Flag(help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print one JSON object for each run that ends, and one at the end.")
  var json = false

  @OptionGroup var key: KeyArguments

  func validate() throws {
    guard !(quiet && json) else { throw ValidationError("--quiet and --json exclude each other") }
  }

  func run() throws {
    // From here on a signal means: save and stop.
    StopRequest.bySignals { stop in
      Launch.run(over: .mpi) { communicator, launch in
        let sweep = try LockstepSweeps.Sweep(
          path: sweep, overrides: overrides, groups: groups, communicator: communicator,
          mode: launch.description(of: communicator.topology),
          output: output ?? RunDirectory.defaultPath(for: sweep), resume: resume,
          console: quiet ? .quiet : json ? .json : .text)
        return try sweep.run(until: stop)
      }
    }
  }
}
