import Foundation
import LockstepReporting

/// How exposed secrets are, by how often they were in the data.
public struct CanaryReport: Encodable, Sendable, CustomStringConvertible {
  /// Secrets that were in the data equally often.
  public struct Group: Encodable, Sendable {
    /// How often each of these secrets was in the data.
    public let repetitions: Int
    /// Exposure of each secret, in bits.
    public let exposures: [Double]
    /// The mean of `exposures`, in bits.
    public let mean: Double
    /// How many stand out above all that they were compared with: each could be read from the model.
    public let first: Int
    /// How likely secrets that nobody has seen are as exposed, on the average.
    public let chance: Double

    init(repetitions: Int, _ exposures: [Exposure]) {
      self.repetitions = repetitions
      self.exposures = exposures.map(\.bits)
      mean = exposures.reduce(0) { $0 + $1.bits } / Double(exposures.count)
      first = exposures.count { $0.rank < 2 }
      chance = Exposure.chance(of: exposures)
    }
  }

  /// Path of the audited configuration or run.
  public let path: String
  /// The canaries' text, with `#` for each random digit.
  public let format: String
  /// Optimiser steps of the training.
  public let steps: Int
  /// Windows of text, or conversations, in the data.
  public let windows: Int
  /// What canaries were put into, in the singular: "window".
  public let unit: String
  /// |R|: how many secrets the format can spell.
  public let spaceCount: Int
  /// How many of R a secret was ranked among, itself included.
  public let comparedCount: Int
  /// Whether the training was private.
  public let isPrivate: Bool
  /// Ascending by repetitions.
  public let groups: [Group]
  /// How long the training and the ranking took, in seconds.
  public let seconds: Double

  /// The mean exposure of secrets that nobody has seen, in bits.
  private static let unseen = 1 / Foundation.log(2.0)

  public var description: String {
    var table = TextTable(
      ["times in the data", "canaries", "mean exposure", "largest", "ranked first", "chance"])
    for group in groups {
      table.add([
        "\(group.repetitions)", "\(group.exposures.count)", String(format: "%.2f bits", group.mean),
        String(format: "%.2f", group.exposures.max() ?? 0), "\(group.first)",
        group.chance < 1e-6 ? "below 1e-6" : String(format: "%.2g", group.chance),
      ])
    }
    let ranked =
      comparedCount < spaceCount
      ? "\(comparedCount) of \(spaceCount) possible ones" : "all \(spaceCount) possible ones"
    let bits = String(
      format: "%.2f bits at most, %.2f on the average of secrets that nobody has seen",
      log2(Double(comparedCount)), Self.unseen)
    let lines = [
      "\(path): \(steps) \(isPrivate ? "private " : "")steps on \(windows) samples, each a \(unit)",
      "\"\(format)\" ranked among \(ranked): \(bits)", "",
    ]
    return (lines + table.lines).joined(separator: "\n")
  }
}
