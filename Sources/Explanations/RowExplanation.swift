// F columns of a row.

import Foundation
import LockstepDatasets
import LockstepTensors
import LockstepTraining

/// A look inside a predictor that sees a row of a table: what it predicts, and which columns that is owed to.
public struct RowExplanation: Codable, Sendable {
  /// What was looked at.
  public struct Row: Codable, Sendable {
    public let path: String
    /// The row's place in its file, from 0, the header not counted.
    public let index: Int
    /// [F].
    public let columns: [String]
    /// As the table has them, [F].
    public let values: [Double]
    /// The column that is predicted.
    public let target: String
    /// The number of the class that the row is of; nil where a value is predicted.
    public let label: Int?
    /// The value that the table has; nil where a class is predicted.
    public let value: Double?
  }

  /// Gradient × input of the explained number: the target class's logit, or the value. An input is a column as the
  /// model gets it.
  public struct Attribution: Codable, Sendable {
    /// [F].
    public let values: [Double]
    public let sum: Double
  }

  public let model: ExplainedModel
  public let row: Row
  /// Nil where a value is predicted.
  public let prediction: ClassPrediction?
  /// The predicted value; nil where a class is predicted.
  public let value: Double?
  public let attribution: Attribution

  /// - Parameters:
  ///   - trained: A predictor of tables.
  ///   - samples: Rows like those that it learned from.
  ///   - index: Which of them.
  ///   - target: The name of the class that is explained; nil: the likeliest.
  /// - Throws: `ExplanationError`; `NotFiniteLogitsError`.
  public init(
    of trained: TrainedModel, samples: SampleSet, index: Int, target: String? = nil
  ) throws {
    guard case .numbers(let numbers) = samples.features, let columns = trained.samples?.columns,
      let predicted = trained.samples?.target
    else { throw ExplanationError.otherSamples(path: trained.path, option: "--image") }
    let inspected = try InspectedSample(
      of: trained, samples: samples, index: index, kind: "row", target: target)
    let inspection = inspected.inspection
    model = ExplainedModel(trained)
    let start = index * samples.featureCount
    var (label, answer): (Int?, Double?) = (nil, nil)
    switch samples.targets {
    case .classes(let classes): label = Int(classes[index])
    case .values(let values): answer = Double(values[index])
    case .unknown: break
    }
    row = Row(
      path: samples.path, index: index, columns: columns,
      values: columns.indices.map { Double(numbers[start + $0]) }, target: predicted, label: label,
      value: answer)
    prediction = inspected.classes.map(inspected.prediction)
    value =
      inspected.classes == nil ? Double(inspection.scores[0]).rounded(decimals: 6) : nil
    attribution = Attribution(
      values: inspection.attribution.map { $0.rounded(decimals: 6) },
      sum: inspection.attribution.reduce(0, +).rounded(decimals: 6))
  }
}
