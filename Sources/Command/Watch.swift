import ArgumentParser
import Foundation
import LockstepTraining
import LockstepWatching

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows runs in the browser while they train.",
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

  func run() throws {
    let search = RunSearch(paths: runs)
    try search.requireRuns()
    let server = try WatchServer(WatchedRuns(search), host: host, port: port)
    try server.serve { address in
      for line in address.lines { try StandardOutput.print(line) }
    }
  }
}
