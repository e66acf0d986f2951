import Foundation

/// A claimed ε beside the one that was found.
public struct EpsilonReport: Encodable, Sendable, CustomStringConvertible {
  /// ε of the audited steps by the accountant.
  public let claimed: Double
  /// The lower bound of ε that the runs show.
  public let found: Double
  /// The largest lower bound that so many runs could show.
  public let largest: Double
  /// How likely `found` is a lower bound, in 0 ..< 1.
  public let confidence: Double
  /// The δ at which ε is claimed.
  public let delta: Double
  /// Standard deviation of the noise, in clips.
  public let noise: Double
  /// The longest gradient of one sample that is kept.
  public let clip: Double
  /// How likely a sample is drawn for a step.
  public let rate: Double
  /// Steps of each run.
  public let steps: Int
  /// Runs, half of them with the canary.
  public let runs: Int
  /// The accountant's name: `prv` or `rdp`.
  public let accountant: String
  /// What is private, in the singular: "sample".
  public let unit: String
  /// What the canary is, in words.
  public let canary: String
  /// Length of the canary's gradient, in clips.
  public let gradientNorm: Double
  /// How far the canary moves the sum of a step that it is drawn for, in clips: 1 at most, if they are kept.
  public let pull: Estimate
  /// The noise of a step, in clips: `noise`, if it is there.
  public let noiseFound: Estimate
  /// What told the runs apart best.
  public let statistic: String
  /// Runs with the canary that the statistic found, of `runsWith`.
  public let foundRuns: Int
  /// Runs with the canary whose statistic was looked at.
  public let runsWith: Int
  /// Runs without the canary that the statistic took for ones with it, of `runsWithout`.
  public let mistakenRuns: Int
  /// Runs without the canary whose statistic was looked at.
  public let runsWithout: Int

  /// Standard errors beyond which a measured number is taken for another than the one promised: of 30,000 audits of
  /// a mechanism that keeps its promise about one is that far.
  static let errors = 4.0

  /// Whether no lower bound is above the claim.
  public var isClaimKept: Bool { found <= claimed }
  /// Whether no gradient is longer than the clip.
  public var isClipKept: Bool { pull.value - Self.errors * pull.error <= 1 }
  /// Whether there is as much noise as is said.
  public var isNoiseKept: Bool { noiseFound.value + Self.errors * noiseFound.error >= noise }
  /// Whether nothing speaks against the claim.
  public var isConsistent: Bool { isClaimKept && isClipKept && isNoiseKept }

  public var description: String {
    func number(_ value: Double) -> String { String(format: "%.2f", value) }
    func estimate(_ value: Estimate) -> String {
      String(format: "%.3g ± %.2g", value.value, 1.96 * value.error)
    }
    let kept = "consistent"
    let lines = [
      "epsilon   claimed \(number(claimed)) at delta \(delta), found at least \(number(found)): "
        + (isClaimKept ? kept : "THE CLAIM IS WRONG"),
      "clip      \(estimate(pull)) clips from the canary each time it is drawn, at most 1 promised: "
        + (isClipKept ? kept : "THE CLIP IS NOT KEPT"),
      "noise     \(estimate(noiseFound)) clips in a step, \(noise) promised: "
        + (isNoiseKept ? kept : "THERE IS LESS NOISE"),
      "canary    \(canary); its gradient is \(String(format: "%.3g", gradientNorm)) times the clip",
      "told by   \(statistic): \(foundRuns) of \(runsWith) runs with it found, \(mistakenRuns) of "
        + "\(runsWithout) without it mistaken",
      "runs      \(runs) of \(steps) step\(steps == 1 ? "" : "s"), rate \(rate), clip \(clip); so many can show "
        + "an epsilon of \(number(largest)) at most, with \(Int((100 * confidence).rounded())) % confidence",
    ]
    return (lines + notices.map { "note      " + $0 }).joined(separator: "\n")
  }

  /// Why less could be seen than should be, one sentence each.
  private var notices: [String] {
    var notices: [String] = []
    if isClaimKept && largest < claimed {
      notices.append(
        "so many runs could not have refuted the claim: give more --runs, fewer --steps or a larger --delta"
      )
    }
    if gradientNorm <= 1 {
      notices.append(
        "the canary is not longer than the clip, so that one that is not kept would not be seen: try a smaller "
          + "one, as by --set privacy.clip=\(clip / 10)")
    }
    return notices
  }

  // MARK: For programs

  private enum CodingKeys: CodingKey {
    case claimed, found, largest, confidence, delta, noise, clip, rate, steps, runs, accountant,
      unit
    case canary, gradientNorm, pull, noiseFound, statistic, foundRuns, runsWith, mistakenRuns
    case runsWithout, isClaimKept, isClipKept, isNoiseKept, isConsistent
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let members: [(CodingKeys, any Encodable)] = [
      (.claimed, claimed), (.found, found), (.largest, largest), (.confidence, confidence),
      (.delta, delta), (.noise, noise), (.clip, clip), (.rate, rate), (.steps, steps),
      (.runs, runs), (.accountant, accountant), (.unit, unit), (.canary, canary),
      (.gradientNorm, gradientNorm), (.pull, pull), (.noiseFound, noiseFound),
      (.statistic, statistic), (.foundRuns, foundRuns), (.runsWith, runsWith),
      (.mistakenRuns, mistakenRuns), (.runsWithout, runsWithout), (.isClaimKept, isClaimKept),
      (.isClipKept, isClipKept), (.isNoiseKept, isNoiseKept), (.isConsistent, isConsistent),
    ]
    for (key, value) in members { try container.encode(value, forKey: key) }
  }
}
