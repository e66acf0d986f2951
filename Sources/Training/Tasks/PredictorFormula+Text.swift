import Foundation
import LockstepDatasets
import LockstepModels

extension PredictorFormula {
  /// Longer sums are not read by anyone.
  private static let mostTerms = 12

  /// The formula in the units of the data: what features are normalised by is worked in.
  ///
  /// - Parameter description: Of a table's rows with a value to be predicted.
  /// - Returns: Such as "distance = 3.9324 · speed - 17.579"; nil for other samples, and of more columns than
  ///   people read.
  func text(inUnitsOf description: SampleDescription) -> String? {
    guard let columns = description.columns, let target = description.target,
      description.classes == nil, columns.count <= Self.mostTerms
    else { return nil }
    switch self {
    case .linear(let weights, let constant):
      var (terms, rest): ([(Double, String)], Double) = ([], Double(constant))
      for (place, column) in columns.enumerated() {
        let slope = Double(weights[place]) / description.deviations[place]
        terms.append((slope, " · \(column)"))
        rest -= slope * description.means[place]
      }
      return "\(target) = " + Self.sum(terms + [(rest, "")])
    case .sine(let amplitude):
      let (mean, deviation) = (description.means[0], description.deviations[0])
      let shifted =
        mean == 0 ? columns[0] : "\(columns[0]) \(mean < 0 ? "+" : "-") \(Self.number(abs(mean)))"
      let angle =
        deviation == 1
        ? "(\(shifted))"
        : mean == 0
          ? "(\(columns[0]) / \(Self.number(deviation)))"
          : "((\(shifted)) / \(Self.number(deviation)))"
      return "\(target) = \(Self.number(Double(amplitude))) · sin\(angle)"
    }
  }

  private static func number(_ value: Double) -> String { String(format: "%.5g", value) }

  private static func sum(_ terms: [(value: Double, name: String)]) -> String {
    terms.enumerated().map { place, term in
      let sign = term.value < 0 ? (place == 0 ? "-" : " - ") : (place == 0 ? "" : " + ")
      return sign + number(abs(term.value)) + term.name
    }.joined()
  }
}
