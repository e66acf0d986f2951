import ArgumentParser
import LockstepHistories
import LockstepTraining

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares two runs: what differs, where their losses part, what they came to.",
    discussion: """
      Says which keys of the configurations differ, whether the data files had the same content, which versions computed \
      on how many ranks; the first step at which a loss or a gradient's norm is not the same, bit for bit; and the final \
      numbers side by side. Exit code 0 whatever differs; with --same, as diff does it, 1 where anything came out \
      differently.
      """)

  @Argument(help: "A run's directory.")
  var first: String

  @Argument(help: "Another run's directory.")
  var second: String

  @Flag(
    help: """
      Exit code 1 unless both runs have ended with the same parameters, and with the same losses, gradient norms and \
      evaluations of all steps that both recorded.
      """)
  var same = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let compared = try ComparedRuns(first, second)
    if json {
      try StandardOutput.printJSON(compared, keys: .useDefaultKeys)
    } else {
      try StandardOutput.print(compared)
    }
    if same && !compared.areSame { throw CommandExit(code: .failure) }
  }
}
