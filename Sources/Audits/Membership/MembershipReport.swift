import Foundation

/// How well members are told from others.
public struct MembershipReport: Encodable, Sendable, CustomStringConvertible {
  /// One way of telling them.
  public struct Attack: Encodable, Sendable {
    public let name: String
    /// Area under the curve, 0.5 for guessing, and its standard error.
    public let area, areaError: Double
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
    public let falsePositives: Double
    /// Nil where there are too few others to tell; with the bounds of 95 % confidence.
    public let truePositives, lower, upper: Double?
  }

  /// What a private run promises: no attack finds more than e^ε times the false positives, and δ.
  public struct Promise: Encodable, Sendable {
    public let epsilon, delta: Double

    func truePositives(atFalsePositives rate: Double) -> Double {
      min(1, exp(epsilon) * rate + delta)
    }
  }

  static let falsePositives = [0.001, 0.01, 0.1]

  public let checkpoint, unit: String
  public let members, others: Int
  public let memberLoss, otherLoss: Double
  public let references: Int
  public let attacks: [Attack]
  /// Nil where the run is not private.
  public let promise: Promise?

  public var description: String {
    var table = AuditTable(
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
