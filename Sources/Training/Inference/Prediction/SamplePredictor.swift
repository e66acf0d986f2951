import LockstepDatasets
import LockstepModels
import LockstepTensors

/// Predicts classes or values of new rows of a table, or of new images.
///
/// What is said of a sample is a function of the model and the sample: not of the samples beside it nor of
/// the number of threads. An evaluation sees the same numbers, bit for bit.
public final class SamplePredictor {
  /// What the model knows of the samples that it learned from.
  public let description: SampleDescription
  private let model: any Predictor
  private let scores: ClassScores?
  private let workspace: Workspace
  private let batch: Int

  /// - Parameters:
  ///   - trained: A model for samples.
  ///   - batch: Samples that are computed at a time; does not change what is said of them. Default: 64.
  /// - Throws: `LoadingError` for a model of another kind.
  public init(_ trained: TrainedModel, batch: Int = 64) throws {
    precondition(batch >= 1, "at least one sample is computed at a time, not \(batch)")
    model = try trained.predictor()
    guard let description = trained.samples else {
      throw LoadingError.noDescription(
        path: trained.path + "/samples.json", problem: "no such file")
    }
    self.description = description
    self.batch = batch
    workspace = trained.workspace
    scores = description.classNames.map {
      ClassScores(
        names: $0, asksOfEachClass: trained.configuration?.recipe.asksOfEachClass ?? false)
    }
  }

  /// Predicts the rows of a table, whose columns are found by their names.
  ///
  /// - Parameters:
  ///   - table: Has the columns that the model predicts from, in any order; the target, too, if its
  ///     contents are to stand beside the predictions.
  ///   - first: The number of its first row. Default: 1.
  ///   - count: How many classes of each. Default: all.
  ///   - body: Gets the predictions in the order of the rows, several at a time.
  /// - Throws: `SampleDataError`; `NotFiniteLogitsError` behind the predictions before it.
  public func predict(
    _ table: CSVTable, first: Int = 1, count: Int? = nil, _ body: ([Prediction]) throws -> Void
  ) throws {
    guard let columns = description.columns else {
      throw SampleDataError.otherKindOfFile(
        path: table.path, found: "a table", expected: "images (an IDX file)")
    }
    try predict(
      SampleSet(newRows: table, columns: columns),
      targets: description.target.map {
        table.answers(in: $0).map { $0.map(description.className) }
      }, first: first, count: count, body)
  }

  /// Predicts images.
  ///
  /// - Parameters:
  ///   - bytes: An IDX file [count, H, W], uncompressed.
  ///   - path: Named in errors.
  ///   - count: How many classes of each. Default: all.
  ///   - body: Gets the predictions in the order of the images, several at a time.
  /// - Throws: `SampleDataError`; `NotFiniteLogitsError` behind the predictions before it.
  public func predict(
    images bytes: [UInt8], path: String, count: Int? = nil, _ body: ([Prediction]) throws -> Void
  ) throws {
    guard description.columns == nil else {
      throw SampleDataError.otherKindOfFile(
        path: path, found: "an IDX file", expected: "a table (CSV)")
    }
    try predict(
      SampleSet(newImages: bytes, path: path, shape: description.sampleShape), targets: nil,
      first: 1, count: count, body)
  }

  private func predict(
    _ samples: SampleSet, targets: [String?]?, first: Int, count: Int?,
    _ body: ([Prediction]) throws -> Void
  ) throws {
    let loader = SampleLoader(samples, description: description, batchSize: batch)
    var filled = SampleBatch()
    for index in 0..<loader.evaluationBatchCount {
      loader.fill(&filled, evaluationBatch: index)
      let outputs = workspace.withoutRecording {
        model.outputs(
          of: Tensor(
            filled.features, shape: Shape([filled.count] + description.sampleShape),
            in: workspace)
        ).elements
      }  // [B, C]
      let width = description.outputCount
      let wrong = outputs.firstIndex { !$0.isFinite }.map { $0 / width }
      try body(
        (0..<(wrong ?? filled.count)).map { place in
          let sample = index * batch + place
          let own = Array(outputs[place * width..<(place + 1) * width])
          return Prediction(
            row: first + sample, value: scores == nil ? own[0] : nil,
            classes: scores?.likeliest(own, count: count) ?? [], target: targets?[sample])
        })
      if let wrong {
        throw NotFiniteLogitsError(position: nil, input: "row \(first + index * batch + wrong)")
      }
    }
  }
}
