import ArgumentParser
import Foundation
import LockstepHistories
import LockstepReporting
import LockstepSettings

struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what a run recorded, step by step.",
    discussion: """
      Reads metrics.jsonl: of each step the loss, the gradient's norm, the learning rate and so on, and beside them what \
      the evaluation after it came to. For people a table that fits the terminal, of about forty steps unless --every \
      says otherwise; CSV and JSON have all steps, and all bits of the numbers.
      """)

  @Argument(help: ArgumentHelp("A run's directory, or its metrics.jsonl.", valueName: "run"))
  var path: String

  @Flag(help: "Print comma-separated values: a header, then a line for each step.")
  var csv = false

  @Flag(help: "Print a JSON object for each step, on a line of its own.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "The columns, in this order, such as loss,validation_loss. Default: all.", valueName: "names")
  )
  var columns: String?

  @Option(
    help: "Take steps that are multiples of this, those with an evaluation, and the last.")
  var every: Int?

  func validate() throws {
    guard !(csv && json) else { throw ValidationError("--csv and --json exclude each other") }
    try Requirement.atLeast(1).check(every, of: "--every")
  }

  /// Rows of a table for people, where they do not say.
  private static let rowCount = 40

  func run() throws {
    let history = try RunHistory(path: path)
    let names = columns.map {
      $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let isForPeople = !csv && !json
    let interval =
      every ?? (isForPeople ? HistoryTable.interval(for: history, rows: Self.rowCount) : nil)
    let table = try HistoryTable(history, columns: names, every: interval)
    if csv {
      try table.csv { try StandardOutput.write($0) }
    } else if json {
      try table.jsonLines { try StandardOutput.write($0) }
    } else {
      try StandardOutput.write(table.text(width: DescriptorOutput().columns ?? 100))
    }
  }
}
