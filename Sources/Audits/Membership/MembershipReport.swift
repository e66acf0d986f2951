import Foundation
import LockstepReporting

/// How well members are told from others.
public struct MembershipReport: Encodable, Sendable, CustomStringConvertible {
  /// One way of telling them.
  public struct Attack: Encodable, Sendable {
    /// What is compared: "loss", or "LiRA" with reference models.
    public let name: String
    /// Area under the curve of true over false positives, 0.5 for guessing, and its standard error.
    public let area, areaError: Double
    /// What is found at some rates of false positives, ascending.
    public let rates: [Rate]

    init(name: String, _ curve: ReceiverCurve, members: Int) {
      self.name = name
      (area, areaError) = curve.area
      rates = MembershipReport.falsePositives.map { rate in
        let found = curve.found(atFalsePositives: rate)
        let interval = found.map { BinomialInterval(successes: $0, of: members, tail: 0.025) }
        return Rate(
          falsePositives: rate, truePositives: found.map { Double($0) / Double(members) },
          lower: interval?.lower, upper: interval?.upper)
      }
    }
  }

  /// Which share of the members is found where so many others are taken for members.
  public struct Rate: Encodable, Sendable {
    /// Share of the others that is taken for members.
    public let falsePositives: Double
    /// Share of the members that is found. Nil where there are too few others to tell.
    public let truePositives: Double?
    /// Bounds of `truePositives` with 95 % confidence.
    public let lower, upper: Double?
  }

  /// What a private run promises: no attack finds more than e^ε times the false positives, and δ.
  public struct Promise: Encodable, Sendable {
    public let epsilon, delta: Double

    func truePositives(atFalsePositives rate: Double) -> Double {
      min(1, exp(epsilon) * rate + delta)
    }
  }

  static let falsePositives = [0.001, 0.01, 0.1]

  /// The audited checkpoint's directory.
  public let checkpoint: String
  /// What is asked for, in the singular: "sample".
  public let unit: String
  /// How many samples were asked for that the model learned from, and how many others.
  public let members, others: Int
  /// The mean loss on members, and on others.
  public let memberLoss, otherLoss: Double
  /// Models that were trained to compare with; 0: none.
  public let references: Int
  /// Ways of telling members from others.
  public let attacks: [Attack]
  /// Nil where the run is not private.
  public let promise: Promise?

  public var description: String {
    var table = TextTable(
      ["attack", "AUC"] + Self.falsePositives.map { "TPR at \(Self.percent($0)) FPR" })
    for attack in attacks {
      table.add(
        [attack.name, String(format: "%.3f ± %.3f", attack.area, 1.96 * attack.areaError)]
          + attack.rates.map(Self.text))
    }
    table.add(["guessing", "0.500"] + Self.falsePositives.map(Self.percent))
    if let promise {
      table.add(
        [String(format: "most at epsilon %.2f", promise.epsilon), ""]
          + Self.falsePositives.map { Self.percent(promise.truePositives(atFalsePositives: $0)) })
    }
    let gap = String(format: "loss %.4f on members, %.4f on others", memberLoss, otherLoss)
    let compared = references == 0 ? "" : "; \(references) reference models"
    let lines = [
      "\(checkpoint): \(members) members, \(others) others; a sample is: \(unit)", gap + compared,
      "",
    ]
    return (lines + table.lines).joined(separator: "\n")
  }

  private static func text(_ rate: Rate) -> String {
    guard let found = rate.truePositives, let lower = rate.lower, let upper = rate.upper else {
      return "needs \(Int((1 / rate.falsePositives).rounded())) others"
    }
    return "\(percent(found)) (\(percent(lower, unit: "")) to \(percent(upper)))"
  }

  private static func percent(_ share: Double) -> String { percent(share, unit: " %") }

  private static func percent(_ share: Double, unit: String) -> String {
    String(format: "%.3g", 100 * share) + unit
  }
}
