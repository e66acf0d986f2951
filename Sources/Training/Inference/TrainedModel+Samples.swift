import LockstepDatasets

extension TrainedModel {
  /// The samples that a predictor is measured on: its run's held-out fold or validation files unless
  /// others are given.
  ///
  /// - Parameters:
  ///   - data: A table or images; nil: the run's. Default: nil.
  ///   - labels: Those of the images. Default: nil.
  ///   - directory: Where the run's files are; nil: where it was trained. Default: nil.
  /// - Throws: `LoadingError.otherModel` where this is no predictor of a run; `SampleDataError`,
  ///   `EvaluationError`.
  public func heldOutSamples(
    data: String? = nil, labels: String? = nil, directory: String? = nil
  ) throws -> SampleSet {
    guard let configuration, let samples,
      case .prediction(let source, _) = try configuration.recipe.parts()
    else { throw LoadingError.otherModel(path: path, found: kind, expected: .prediction) }
    let isTable = samples.columns != nil
    let holdsOutFold = source.folds.isOn && data == nil
    let paths: [String]
    if let data {
      guard isTable == (labels == nil) else {
        throw isTable ? EvaluationError.labelsOfNoImages : EvaluationError.noLabels(images: data)
      }
      paths = [data] + (labels.map { [$0] } ?? [])
    } else if labels != nil {
      throw EvaluationError.labelsOfNoImages
    } else {
      paths = try configuration.ownData(from: directory) {
        holdsOutFold ? $0.samplePaths.train : $0.samplePaths.validation
      }
    }
    guard !paths.isEmpty else { throw EvaluationError.noData(source: path) }
    let files = try paths.map { (try GzipFile.contents($0), $0) }
    guard holdsOutFold else { return try samples.heldOut(files) }
    let split = try source.withoutNames(classCount: samples.classes?.count).samples(
      files, seed: UInt64(configuration.plan.seed))
    return try split.heldOut ?? samples.heldOut(files)
  }
}
