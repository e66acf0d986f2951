import Foundation
import LockstepFiles
import LockstepReporting
import LockstepTraining

/// Two runs beside each other: what differs in their configurations, data and programs, where their losses part,
/// and what they came to.
public struct ComparedRuns: Sendable, Encodable {
  /// A value of one run and of the other; nil where a run has none.
  public struct Difference: Sendable, Encodable, Equatable {
    public let key: String
    public let first: String?
    public let second: String?
    /// Whether it can change a bit of the result.
    public let decidesResult: Bool

    enum CodingKeys: String, CodingKey {
      case key, first, second
      case decidesResult = "decides_result"
    }
  }

  /// The first step at which a number of one run is not that of the other, bit for bit.
  public struct Parting: Sendable, Encodable, Equatable {
    public let step: Int
    public let column: String
    public let first: Double
    public let second: Double
  }

  /// A number that both runs came to, or one of them.
  public struct Outcome: Sendable, Encodable, Equatable {
    public let name: String
    public let first: Double?
    public let second: Double?
  }

  /// The directories.
  public let runs: [String]
  /// Nil where a run has no configuration of a file.
  public let configuration: [Difference]
  /// Differences of the content of files, one sentence each.
  public let data: [String]
  /// Of the programs, and of ranks and threads.
  public let versions: [Difference]
  /// Steps that both runs recorded.
  public let commonSteps: Int
  /// Steps after which both were evaluated.
  public let commonEvaluations: Int
  /// Nil where the losses of all common steps are the same.
  public let lossesPart: Parting?
  /// Nil where all common evaluations came to the same.
  public let evaluationsPart: Parting?
  public let outcomes: [Outcome]
  /// `parameters_sha256` of each run that has ended; nil of one that has not.
  public let hashes: [String?]

  enum CodingKeys: String, CodingKey {
    case runs, configuration, data, versions, outcomes
    case commonSteps = "common_steps"
    case commonEvaluations = "common_evaluations"
    case lossesPart = "losses_part"
    case evaluationsPart = "evaluations_part"
    case hashes = "parameters_sha256"
  }

  /// Whether both runs have ended with the same parameters, and all steps that both recorded have the
  /// same losses, gradient norms and evaluations.
  public var areSame: Bool {
    hashes[0] != nil && hashes[0] == hashes[1] && lossesPart == nil && evaluationsPart == nil
  }

  /// - Throws: `ConfigurationError`, `MetricsError`, `SummaryError`, `HistoryError` for what can not be read.
  public init(_ first: String, _ second: String) throws {
    let paths = [first, second]
    runs = paths
    let directories = paths.map(RunDirectory.init(path:))
    for directory in directories where try !FileSystem.exists(directory.configurationPath) {
      throw HistoryError.noRun(path: directory.path)
    }
    let configurations = try directories.map { try $0.configuration() }
    configuration = Self.differences(configurations[0], configurations[1])
    data = try directories[0].dataDifferences(from: directories[1])
    let histories = try paths.map { try RunHistory(path: $0) }
    let summaries = try directories.map { try $0.summary() }
    let known = Dictionary(uniqueKeysWithValues: histories[1].rows.map { ($0.step, $0) })
    let common = histories[0].rows.compactMap { row in known[row.step].map { (row, $0) } }
    commonSteps = common.count { $0.0.values["loss"] != nil && $0.1.values["loss"] != nil }
    commonEvaluations = common.count { $0.0.isEvaluated && $0.1.isEvaluated }
    lossesPart = Self.parting(common, columns: ["loss", "gradient_norm"])
    let evaluated = histories.flatMap(\.rows).reduce(into: Set<String>()) {
      $0.formUnion($1.evaluated)
    }.subtracting(["validation_loss", "evaluation_seconds"])
    evaluationsPart = Self.parting(common, columns: ["validation_loss"] + evaluated.sorted())
    hashes = summaries.map { $0?.parametersSHA256 }
    versions = Self.versions(summaries[0], summaries[1])
    outcomes = Self.outcomes(summaries[0], summaries[1], histories)
  }

  private static func differences(
    _ first: RunConfiguration, _ second: RunConfiguration
  ) -> [Difference] {
    func words(_ configuration: RunConfiguration) -> [(key: String, value: String)] {
      configuration.settings { _ in true }.map { ($0.path, YAMLWriter.inline($0.value)) }
    }
    let decisive = Set(
      first.differences(from: second).map(\.key) + second.differences(from: first).map(\.key))
    let (mine, others) = (words(first), words(second))
    let values = [mine, others].map {
      Dictionary($0.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
    let keys = mine.map(\.key) + others.map(\.key).filter { values[0][$0] == nil }
    return keys.compactMap { key in
      let (one, other) = (values[0][key], values[1][key])
      guard one != other, key != "directory" else { return nil }
      return Difference(
        key: key, first: one, second: other, decidesResult: decisive.contains(key))
    }
  }

  private static func parting(
    _ common: [(RunHistory.Row, RunHistory.Row)], columns: [String]
  ) -> Parting? {
    for (first, second) in common {
      for column in columns {
        guard let one = first.values[column], let other = second.values[column],
          one.bitPattern != other.bitPattern
        else { continue }
        return Parting(step: first.step, column: column, first: one, second: other)
      }
    }
    return nil
  }

  private static func versions(_ first: RunSummary?, _ second: RunSummary?) -> [Difference] {
    let (one, other) = (first?.provenance, second?.provenance)
    let pairs: [(String, String?, String?)] = [
      ("version", one?.version, other?.version), ("compiler", one?.compiler, other?.compiler),
      ("processor level", one?.processorLevel, other?.processorLevel),
      ("ranks", first.map { "\($0.ranks)" }, second.map { "\($0.ranks)" }),
      ("threads of a rank", first.map { "\($0.threads)" }, second.map { "\($0.threads)" }),
    ]
    return pairs.filter { $0.1 != $0.2 }.map {
      Difference(key: $0.0, first: $0.1, second: $0.2, decidesResult: false)
    }
  }

  private static func outcomes(
    _ first: RunSummary?, _ second: RunSummary?, _ histories: [RunHistory]
  ) -> [Outcome] {
    let summaries = [first, second]
    func outcome(_ name: String, _ value: (RunSummary) -> Double?) -> Outcome? {
      let values = summaries.map { $0.flatMap(value) }
      return values.contains { $0 != nil }
        ? Outcome(name: name, first: values[0], second: values[1]) : nil
    }
    let metrics = Set(summaries.flatMap { $0?.metrics.map(\.key) ?? [] }).sorted()
    let steps = Outcome(
      name: "steps", first: histories[0].rows.last.map { Double($0.step) },
      second: histories[1].rows.last.map { Double($0.step) })
    return [steps]
      + [
        outcome("parameters") { Double($0.parameters) }, outcome("loss") { $0.loss },
        outcome("validation_loss") { $0.validationLoss },
      ].compactMap { $0 } + metrics.compactMap { key in outcome(key) { $0.metrics[key] } }
      + [
        outcome("seconds") { $0.seconds },
        outcome("tokens_per_second") { $0.tokensPerSecond },
      ].compactMap { $0 }
  }
}
