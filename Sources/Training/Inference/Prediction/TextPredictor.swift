import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// Predicts the classes of texts.
///
/// What is said of a text is a function of the model and the text: not of the texts beside it nor of the number of
/// threads. An evaluation sees the same numbers, bit for bit.
public final class TextPredictor {
  /// The names of the classes, in the order of their numbers.
  public let classes: [String]
  /// How files of texts call their columns or members: as the model's run, or `text` and `label`.
  package let keys: (text: String, target: String)
  private let model: any TextClassifier
  private let reader: LineTokens
  private let known: TextClasses
  private let scores: ClassScores
  private let workspace: Workspace
  private let batch: Int

  /// - Parameters:
  ///   - trained: A model that sorts texts.
  ///   - batch: Texts that are computed at a time; does not change what is said of them. Default: 16.
  ///   - special: What names of special tokens in the texts are. Default: these tokens.
  /// - Throws: `LoadingError` for a model of another kind, or one without a tokenizer.
  public init(_ trained: TrainedModel, batch: Int = 16, special: SpecialTokens = .token) throws {
    precondition(batch >= 1, "at least one text is read at a time, not \(batch)")
    let (model, classes) = try trained.textClassifier()
    self.model = model
    self.classes = classes.names
    known = classes
    self.batch = batch
    let data = trained.configuration?.data.texts ?? TextDataConfiguration()
    keys = (data.text, data.target)
    scores = ClassScores(names: classes.names, asksOfEachClass: classes.asksOfEachClass)
    workspace = trained.workspace
    // Batches are as long as their longest text.
    workspace.pool.sharesSizes = true
    reader = LineTokens(
      tokenizer: try trained.requiredTokenizer(), limit: model.context, special: special)
  }

  /// The likeliest classes of lines; of one of nothing but white space none.
  ///
  /// - Parameters:
  ///   - lines: UTF-8 without line ends; what is not UTF-8 becomes U+FFFD. White space around a line is
  ///     left away.
  ///   - first: The first one's number. Default: 1.
  ///   - count: How many classes of each. Default: all.
  /// - Throws: `LineError` if the vocabulary cannot express a line; `NotFiniteLogitsError`.
  public func predict(
    lines: [[UInt8]], first: Int = 1, count: Int? = nil
  ) throws -> [Prediction] {
    try predict(
      lines.enumerated().map { place, line in
        Entry(
          row: first + place, line: first + place, target: nil,
          read: try reader.tokens(of: line, line: first + place))
      }, count: count)
  }

  /// The likeliest classes of texts from a file, which are read as they are.
  ///
  /// - Parameters:
  ///   - path: Named in errors.
  ///   - first: The first one's number. Default: 1.
  ///   - count: How many classes of each. Default: all.
  /// - Throws: `SampleDataError` if the vocabulary cannot express a text; `NotFiniteLogitsError`.
  package func predict(
    _ texts: [NewText], path: String, first: Int = 1, count: Int? = nil
  ) throws -> [Prediction] {
    try predict(
      texts.enumerated().map { place, text in
        do throws(TokenizerError) {
          return Entry(
            row: first + place, line: text.line, target: text.target.map(known.name),
            read: try reader.tokens(of: text.text))
        } catch {
          throw SampleDataError.notExpressible(path: path, line: text.line, reason: "\(error)")
        }
      }, count: count)
  }

  private struct Entry {
    let row: Int
    /// The line in its file, from 1, for errors.
    let line: Int
    let target: String?
    let read: LineTokens.Line
  }

  private func predict(_ entries: [Entry], count: Int?) throws -> [Prediction] {
    var found: [Int: [ClassProbability]] = [:]
    let filled = entries.indices.filter {
      !entries[$0].read.isBlank && !entries[$0].read.tokens.isEmpty
    }
    for start in stride(from: 0, to: filled.count, by: batch) {
      let part = Array(filled[start..<min(start + batch, filled.count)])
      let outputs = workspace.withoutRecording {
        let rows = LineTokens.rectangle(part.map { entries[$0].read.tokens })
        return model.outputs(of: rows.tokens, lengths: rows.lengths).elements
      }  // [B, C]
      if let place = outputs.firstIndex(where: { !$0.isFinite }) {
        throw NotFiniteLogitsError(
          position: nil, line: entries[part[place / classes.count]].line)
      }
      for (row, index) in part.enumerated() {
        found[index] = scores.likeliest(
          Array(outputs[row * classes.count..<(row + 1) * classes.count]), count: count)
      }
    }
    return entries.indices.map { index in
      let (entry, classes) = (entries[index], found[index])
      return Prediction(
        row: entry.row, classes: classes ?? [], target: entry.target,
        tokens: classes == nil ? 0 : entry.read.tokens.count,
        isCut: classes != nil && entry.read.isCut)
    }
  }
}
