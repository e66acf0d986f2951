import LockstepDatasets
import LockstepReporting
import LockstepTensors

/// What a predictor says of the first held-out samples.
struct PredictedSamples: SampleMaker {
  let task: PredictionTask
  let description: SampleDescription
  let count: Int

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    let found = (0..<task.evaluationBatchCount).lazy.map { heldOut($0, in: workspace) }
      .prefix(collecting: count)
    return found.enumerated().map { index, sample in
      guard sample.image != nil else { return sample }
      var sample = sample
      // As `lockstep explain --image` counts.
      sample.input = "image \(index)"
      return sample
    }
  }

  private func heldOut(_ index: Int, in workspace: Workspace) -> [SamplesRecord.Sample] {
    let (outputs, batch) = task.heldOutOutputs(batch: index, in: workspace)
    let elements = outputs.elements
    let width = description.outputCount
    return (0..<batch.count).map { row in
      let scores = Array(elements[row * width..<(row + 1) * width])
      let features = Array(batch.features[row * featureCount..<(row + 1) * featureCount])
      let (input, image) = (input(features), image(features))
      guard let classes = description.classNames else {
        return .init(
          kind: .input, input: input, text: "\(scores[0])", reference: "\(batch.values[row])",
          image: image)
      }
      return .init(
        kind: .input, input: input, text: classes[scores.indexOfLargest],
        reference: classes[Int(batch.classes[row])], image: image)
    }
  }

  private var featureCount: Int { description.sampleShape.reduce(1, *) }

  /// A row's columns in the units of the table; an image has no words.
  private func input(_ features: [Float]) -> String {
    guard let columns = description.columns else { return "image" }
    return zip(columns, features).enumerated().map { index, column in
      "\(column.0) \(Quantity.significant(unit(of: column.1, column: index)))"
    }.joined(separator: ", ")
  }

  /// Nil of a row.
  private func image(_ features: [Float]) -> GrayImage? {
    guard description.columns == nil, description.sampleShape.count == 2 else { return nil }
    return GrayImage(
      width: description.sampleShape[1], height: description.sampleShape[0],
      pixels: features.map { UInt8(min(max(unit(of: $0, column: 0).rounded(), 0), 255)) })
  }

  /// A feature as the data have it.
  private func unit(of feature: Float, column: Int) -> Double {
    Double(feature) * description.deviations[column] + description.means[column]
  }
}
