import ArgumentParser
import LockstepReporting
import LockstepWatching

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a page about runs: one file to keep or to mail.",
    discussion: """
      The page that `lockstep watch` shows, with its data inside: curves, final numbers, hashes of \
      the parameters, samples, configurations, and which version of Lockstep computed on what. It \
      opens in any browser without a server and without the internet.
      """)

  @Argument(help: "Runs, sweeps, or directories that contain some.")
  var runs: [String]

  @Option(help: "The page to write. One that is there is replaced.")
  var output = "report.html"

  func validate() throws { try requirePlace(forOutput: output) }

  func run() throws {
    let report = RunReport(paths: runs)
    let written = try Waiting.forResult { try await report.write(to: output) }
    let count = written.runs == 1 ? "1 run" : "\(written.runs) runs"
    try StandardOutput.print(
      "\(output): \(count), \(Quantity.count((written.bytes + 1023) / 1024)) KiB")
  }
}
