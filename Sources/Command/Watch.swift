import ArgumentParser
import Foundation
import LockstepReporting
import LockstepTraining
import LockstepWatching

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows runs in the browser, or in the terminal, while they train.",
    discussion: """
      Curves of one run or of many over each other, with smoothing, logarithmic axes, zoom and the \
      values at any step; where the time of a step goes on each rank; samples; what differs between \
      the configurations; sweeps with their trials. The page follows the files of the runs, which \
      never wait for it and do not know of it. It needs no internet.

      It listens on this machine alone, and answers only who has the token in the address that it \
      prints. To look from another machine, use the ssh command that it prints as well. Ctrl-C ends \
      it. docs/watching.md tells more; `lockstep report` writes the same page as a file.
      """)

  @Argument(
    help: """
      Runs, sweeps, or directories that contain some. Default: runs, and whatever begins there \
      later.
      """)
  var runs: [String] = []

  @Option(help: "The port to listen on. Default: one that is free.")
  var port: UInt16 = 0

  @Option(
    help: """
      The address to listen on: with any but the default, other machines reach the page, too, over \
      a connection that is not encrypted.
      """)
  var host = "127.0.0.1"

  @Flag(
    help: """
      Draw in this terminal instead, with no server: a line for each run, their losses, the newest \
      sample. Once where the output is no terminal.
      """)
  var terminal = false

  func validate() throws {
    guard !terminal || port == 0 && host == "127.0.0.1" else {
      throw ValidationError("--port and --host are of the page; leave them out with --terminal")
    }
  }

  func run() throws {
    let search = RunSearch(paths: runs)
    try search.requireRuns()
    if terminal {
      var watch = TerminalWatch(search)
      let output = DescriptorOutput()
      guard output.columns != nil else { return try StandardOutput.writeText(watch.text()) }
      return watch.run(on: output)
    }
    let server = try WatchServer(WatchedRuns(search), host: host, port: port)
    try server.serve { address in
      for line in address.lines { try StandardOutput.print(line) }
    }
  }
}
