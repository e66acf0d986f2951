import Foundation
import LockstepFiles
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// What a run recorded, step by step: `metrics.jsonl` as a table.
///
/// Numbers have all of their bits. Lines of other kinds than steps and evaluations, and members that
/// are no numbers, are passed over.
public struct RunHistory: Sendable {
  /// What is known of one step: of the step itself, of the evaluation after it, or of both.
  public struct Row: Sendable, Equatable {
    public let step: Int
    public internal(set) var values: [String: Double]
    /// Whether the model was evaluated after it.
    public internal(set) var isEvaluated: Bool
  }

  /// The columns of a step, in the order in which they are shown.
  private static let stepColumns = [
    "loss", "gradient_norm", "learning_rate", "tokens", "seconds", "tokens_per_second",
  ]
  /// Those of an evaluation that stand behind all others.
  private static let lastColumns = ["validation_tokens", "evaluation_seconds"]

  /// The file.
  public let path: String
  /// Ascending; each step once.
  public let rows: [Row]
  /// What there is beside the step: of steps, then of evaluations.
  public let columns: [String]

  /// - Parameter path: A run's directory, or a file of that kind.
  /// - Throws: `MetricsError`; `HistoryError.noMetrics`.
  public init(path: String) throws {
    let file = FileSystem.isDirectory(path) ? RunDirectory(path: path).metricsPath : path
    self.path = file
    guard try FileSystem.exists(file) else { throw HistoryError.noMetrics(path: file) }
    var found: [Int: Row] = [:]
    for line in try MetricsFile.lines(of: file) {
      guard
        let members = try JSONSerialization.jsonObject(with: line) as? [String: Any],
        let step = members["step"] as? Int
      else { continue }
      let isEvaluation = members["validation_loss"] != nil
      guard isEvaluation || members["loss"] != nil else { continue }
      var row = found[step] ?? Row(step: step, values: [:], isEvaluated: false)
      for (key, value) in members where key != "step" {
        if let text = value as? String {
          if let number = JSONFormat.number(text) { row.values[key] = number }
        } else if let number = value as? Double {
          row.values[key] = number
        }
      }
      if isEvaluation { row.isEvaluated = true }
      found[step] = row
    }
    rows = found.values.sorted { $0.step < $1.step }
    guard !rows.isEmpty else { throw HistoryError.noSteps(path: file) }
    columns = Self.columns(of: rows)
  }

  private static func columns(of rows: [Row]) -> [String] {
    let names = rows.reduce(into: Set<String>()) { $0.formUnion($1.values.keys) }
    let others = names.subtracting(stepColumns).subtracting(lastColumns)
      .subtracting(["validation_loss"])
    return (stepColumns + ["validation_loss"] + others.sorted() + lastColumns)
      .filter(names.contains)
  }
}

/// Why a run's history can not be shown.
public enum HistoryError: UserInputError, Equatable {
  case noMetrics(path: String)
  case noSteps(path: String)
  /// Nothing that a run was started with.
  case noRun(path: String)
  case noColumn(String, columns: [String])

  public var description: String {
    switch self {
    case .noMetrics(let path):
      "\(path): no such file; name the directory of a run, such as runs/NAME"
    case .noRun(let path):
      "\(path): holds no run: there is no config.yaml; name the directory of a run, such as runs/NAME"
    case .noSteps(let path): "\(path): no step has been recorded yet"
    case .noColumn(let name, let columns):
      "--columns: there is no \(name); there are step, \(columns.joined(separator: ", "))"
    }
  }
}
