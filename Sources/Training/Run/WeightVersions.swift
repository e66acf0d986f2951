import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepSettings

/// The weights that a run keeps beside those it trains: their average over steps, and the best that
/// an evaluation found.
///
/// Evaluations look at the average where there is one. A finished run ends with the best, or the
/// average: its last checkpoint has them as the model, and the weights that were trained as
/// `training/…` in `optimizer.safetensors`, from where a longer run goes on. Every other checkpoint
/// has the trained weights as the model.
final class WeightVersions {
  private enum Version: String { case average, best }

  private let averaging: AveragingConfiguration
  private let parameters: SharedParameters
  private let average: KeptWeights?
  private let best: KeptWeights?
  /// Whether `best` holds anything yet.
  private var hasBest = false
  /// What stands in the place of the trained weights, which are in its place.
  private var presented: Version?

  /// - Parameter keepsBest: Whether there are evaluations to choose by.
  init(
    averaging: AveragingConfiguration, keepsBest: Bool, layout: ParameterLayout, replica: Replica
  ) {
    self.averaging = averaging
    parameters = replica.shared
    func kept() -> KeptWeights { KeptWeights(layout: layout, threads: replica.workspace.threads) }
    average = averaging.method == .none ? nil : kept()
    best = keepsBest ? kept() : nil
  }

  /// What is evaluated, where it is not the trained weights: "average" or "best".
  ///
  /// - Parameter step: Taken last.
  func evaluated(step: Int) -> String? {
    presented?.rawValue
      ?? (average != nil && averaging.isAverage(step: step) ? Version.average.rawValue : nil)
  }

  /// Takes in the weights after a step.
  func record(step: Int) {
    average?.approach(parameters.owned, rate: averaging.rate(step: step))
  }

  /// Runs `body` on the weights that are evaluated. Collective.
  ///
  /// - Parameter keepIf: Whether these are the best so far.
  func evaluating<Result>(
    _ body: () throws -> Result, keepIf isBest: (Result) -> Bool
  ) throws -> Result {
    let isSwapped = presented == nil && average != nil
    if isSwapped { try swap(.average) }
    let result = try body()
    if presented == nil, let best, isBest(result) {
      best.approach(parameters.trained, rate: 1)
      hasBest = true
    }
    if isSwapped { try swap(.average) }
    return result
  }

  /// Puts what the run ends with in the place of the trained weights. Collective.
  func present() throws {
    guard presented == nil else { return }
    let version: Version? = hasBest ? .best : average == nil ? nil : .average
    if let version { try swap(version) }
    presented = version
  }

  private func swap(_ version: Version) throws {
    let kept = version == .best ? best : average
    kept?.swap(with: parameters.trained)
    try parameters.share()
  }

  // MARK: - Checkpoints

  /// What a checkpoint stores of all this.
  var states: [OptimizerState] {
    [(Version.average, average), (Version.best, best)].compactMap { version, kept in
      kept?.state(named: presented == version ? "training" : version.rawValue)
    }
  }

  var notes: [String: String] {
    var notes: [String: String] = [:]
    if best != nil { notes["has_best"] = String(hasBest) }
    if let presented { notes["presented"] = presented.rawValue }
    return notes
  }

  /// Says what the states of a checkpoint are, before they are read.
  ///
  /// - Throws: `DescriptionError` for a note that can not be right.
  func beginResuming(from notes: [String: String]) throws(DescriptionError) {
    hasBest = try Note.flag("has_best", in: notes)
    presented = try notes["presented"].map { (text) throws(DescriptionError) in
      if let version = Version(rawValue: text) { return version }
      throw DescriptionError(
        path: "presented", problems: ["found '\(text)', expected average or best"])
    }
  }

  /// Puts the trained weights back, when states are read. Collective.
  func finishResuming() throws {
    guard let presented else { return }
    try swap(presented)
    self.presented = nil
  }
}
