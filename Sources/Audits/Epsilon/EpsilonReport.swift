import Foundation

/// A claimed ε beside the one that was found.
public struct EpsilonReport: Encodable, Sendable, CustomStringConvertible {
  /// What the accountant says of the audited steps.
  public let claimed: Double
  /// The lower bound.
  public let found: Double
  /// The largest bound that so many runs could show.
  public let largest: Double
  public let confidence, delta, noise, clip, rate: Double
  public let steps, runs: Int
  public let accountant, unit, canary: String
  /// Of the canary, in clips.
  public let gradientNorm: Double
  /// How far the canary moves the sum of a step that it is drawn for, in clips, and the standard error.
  public let pull, pullError: Double
  /// What told the runs apart best.
  public let statistic: String
  public let foundRuns, runsWith, mistakenRuns, runsWithout: Int
  /// Whether the claim is not refuted.
  public let isConsistent: Bool

  public var description: String {
    func number(_ value: Double) -> String { String(format: "%.2f", value) }
    let verdict =
      isConsistent
      ? "consistent" : "THE CLAIM IS WRONG"
    let lines = [
      "epsilon   claimed \(number(claimed)) at delta \(delta), found at least \(number(found)): \(verdict)",
      "canary    \(canary); its gradient is \(String(format: "%.3g", gradientNorm)) times the clip",
      "pull      \(number(pull)) ± \(number(2 * pullError)) clips each time it is drawn; at most 1 is promised",
      "told by   \(statistic): \(foundRuns) of \(runsWith) runs with it found, \(mistakenRuns) of "
        + "\(runsWithout) without it mistaken",
      "runs      \(runs) of \(steps) step\(steps == 1 ? "" : "s"), rate \(rate), noise \(noise), clip \(clip); "
        + "so many can show \(number(largest)) at most, with \(Int((100 * confidence).rounded())) % confidence",
    ]
    let weak =
      isConsistent && largest < claimed
      ? [
        "          less than is claimed, so that nothing could be refuted: give more --runs, fewer --steps or a "
          + "larger --delta"
      ] : []
    return (lines + weak).joined(separator: "\n")
  }
}
