// F numbers of a sample, C classes.

import LockstepDatasets
import LockstepTensors
import LockstepTraining

/// One of the samples that a predictor takes, and what happens in the predictor that sees it.
struct InspectedSample {
  let inspection: SampleInspection
  /// Whether the loss asks of each class by itself; see `ClassPrediction`.
  let asksOfEach: Bool
  /// Nil where a value is predicted.
  let classes: [String]?

  /// - Parameters:
  ///   - index: Which of the samples.
  ///   - kind: "image" or "row", as the option that gives the index is named.
  ///   - target: The name of the class that is explained; nil: the likeliest.
  /// - Throws: `ExplanationError`; `NotFiniteLogitsError`.
  init(
    of trained: TrainedModel, samples: SampleSet, index: Int, kind: String, target: String?
  ) throws {
    guard case .prediction(let predictor) = trained.model, let description = trained.samples,
      let configuration = trained.configuration
    else { throw ExplanationError.needsText(path: trained.source, option: "--\(kind)") }
    guard (0..<samples.count).contains(index) else {
      throw ExplanationError.noSample(index, kind: kind, path: samples.path, count: samples.count)
    }
    var chosen: Int?
    if let target {
      guard let classes = description.classNames else {
        throw ExplanationError.noClasses(path: trained.path)
      }
      guard let found = classes.firstIndex(of: description.className(of: target)) else {
        throw ExplanationError.noClass(target, classes: classes)
      }
      chosen = found
    }
    var batch = SampleBatch()
    SampleLoader(samples, description: description, batchSize: 1)
      .fill(&batch, evaluationBatch: index)
    classes = description.classNames
    asksOfEach = configuration.recipe.asksOfEachClass
    inspection = try SampleInspection(
      of: predictor, sample: batch.features, shape: Shape([1] + samples.sampleShape),
      target: chosen, in: trained.workspace)
  }

  /// - Parameter classes: Of the description.
  func prediction(of classes: [String]) -> ClassPrediction {
    ClassPrediction(
      classes: classes, scores: inspection.scores, target: inspection.target, asksOfEach: asksOfEach
    )
  }
}
