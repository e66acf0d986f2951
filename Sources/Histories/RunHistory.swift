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
    /// Names among these that the evaluation has.
    public internal(set) var evaluated: Set<String> = []
    /// Whether the model was evaluated after it.
    public var isEvaluated: Bool { !evaluated.isEmpty }
  }

  /// The columns of a step that stand before all others, in the order in which they are shown.
  private static let stepColumns = [
    "loss", "gradient_norm", "learning_rate", "tokens", "seconds", "tokens_per_second", "clients",
    "epsilon",
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
    for members in try MetricsFile.objects(of: file) {
      let numbers = Dictionary(
        members.compactMap { key, value in value.number.map { (key, $0) } },
        uniquingKeysWith: { $1 })
      guard let step = numbers["step"].flatMap(Int.init(exactly:)) else { continue }
      let isEvaluation = members.contains { $0.key == "validation_loss" }
      guard isEvaluation || members.contains(where: { $0.key == "loss" }) else { continue }
      let row = found[step] ?? Row(step: step, values: [:])
      found[step] = row.adding(numbers.filter { $0.key != "step" }, isEvaluation: isEvaluation)
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

extension RunHistory.Row {
  /// - Parameter isEvaluation: Whether the numbers are of an evaluation; else they are of the step.
  fileprivate func adding(_ numbers: [String: Double], isEvaluation: Bool) -> Self {
    var row = self
    row.values.merge(numbers) { $1 }
    if isEvaluation { row.evaluated = Set(numbers.keys).union(["validation_loss"]) }
    return row
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
