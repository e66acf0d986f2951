// B lines, T positions, D width.

import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// The vector of a line of text.
public struct SentenceVector: Sendable {
  /// The line's number, from 1.
  public let line: Int
  /// Tokens that the model read.
  public let tokens: Int
  /// Whether the line is longer than can be read, and only its beginning was.
  public let isCut: Bool
  /// [D]; zeros for a line without tokens.
  public let elements: [Float]
}

/// Makes a vector of each line of text, from the states that a model gives its tokens (Reimers & Gurevych,
/// "Sentence-BERT", 2019).
///
/// A line's vector is a function of the model and the line: not of the lines beside it nor of the number of threads.
public final class SentenceEncoder {
  private let states: (Indices, [Int]) -> Tensor
  private let reader: LineTokens
  private let workspace: Workspace
  private let batch: Int
  /// How states become a vector.
  public let pooling: SentencePooling
  /// D.
  public let width: Int

  /// - Parameters:
  ///   - trained: An encoder, a model that fills in tokens, or one that continues texts.
  ///   - mode: In place of what the model's files say. Default: nil.
  ///   - normalizes: Likewise.
  ///   - batch: Lines that are computed at a time; does not change their vectors. Default: 16.
  ///   - special: What names of special tokens in the lines are. Default: these tokens.
  /// - Throws: `LoadingError` for a model of another kind, or one without a tokenizer; `UnsupportedModelError` for
  ///   another way of pooling.
  public init(
    _ trained: TrainedModel, mode: PoolingMode? = nil, normalizes: Bool? = nil, batch: Int = 16,
    special: SpecialTokens = .token
  ) throws {
    precondition(batch >= 1, "at least one text is read at a time, not \(batch)")
    let context: Int
    (states, context) = try trained.tokenStates()
    var pooling =
      try SentencePooling.said(of: trained) ?? SentencePooling(defaultFor: trained.kind)
    if let mode { pooling.mode = mode }
    if let normalizes { pooling.normalizes = normalizes }
    self.pooling = pooling
    self.batch = batch
    workspace = trained.workspace
    // Batches are as long as their longest line.
    workspace.pool.sharesSizes = true
    reader = LineTokens(
      tokenizer: try trained.requiredTokenizer(), limit: min(context, pooling.limit ?? context),
      special: special)
    width = try trained.stateWidth()
  }

  /// The vectors of lines.
  ///
  /// - Parameters:
  ///   - lines: UTF-8 without line ends; what is not UTF-8 becomes U+FFFD.
  ///   - first: The first one's number. Default: 1.
  ///   - progress: Told which share of the lines is done, now and then.
  /// - Throws: `LineError` if the vocabulary cannot express a line; `NotFiniteLogitsError`.
  public func encode(
    _ lines: [[UInt8]], first: Int = 1, progress: (Double) -> Void = { _ in }
  ) throws -> [SentenceVector] {
    let texts = try lines.enumerated().map { try reader.tokens(of: $1, line: first + $0) }
    var vectors = [[Float]](
      repeating: [Float](repeating: 0, count: width), count: texts.count)
    let filled = texts.indices.filter { !texts[$0].tokens.isEmpty }
    for start in stride(from: 0, to: filled.count, by: batch) {
      progress(Double(start) / Double(filled.count))
      let part = Array(filled[start..<min(start + batch, filled.count)])
      let (tokens, lengths) = LineTokens.rectangle(part.map { texts[$0].tokens })
      workspace.withoutRecording {
        states(tokens, lengths).withElements { elements in
          for (row, index) in part.enumerated() {
            let first = row * tokens.shape[1] * width
            vectors[index] = pooled(
              UnsafeBufferPointer(rebasing: elements[first..<first + lengths[row] * width]))
          }
        }
      }
    }
    if let bad = vectors.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
      throw NotFiniteLogitsError(position: nil, line: first + bad)
    }
    return zip(texts.indices, texts).map {
      SentenceVector(
        line: first + $0, tokens: $1.tokens.count, isCut: $1.isCut, elements: vectors[$0])
    }
  }

  /// - Parameter states: Of one text, [T, D].
  private func pooled(_ states: UnsafeBufferPointer<Float>) -> [Float] {
    let count = states.count / width
    var sums: [Double]
    switch pooling.mode {
    case .first: sums = states.prefix(width).map(Double.init)
    case .last: sums = states.suffix(width).map(Double.init)
    case .mean:
      sums = [Double](repeating: 0, count: width)
      for position in 0..<count {
        for column in 0..<width { sums[column] += Double(states[position * width + column]) }
      }
      for column in 0..<width { sums[column] /= Double(count) }
    }
    if pooling.normalizes {
      let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // As PyTorch, which divides by no less.
      let divisor = max(length, 1e-12)
      for column in 0..<width { sums[column] /= divisor }
    }
    return sums.map(Float.init)
  }
}

extension TrainedModel {
  /// What gives each token of texts a state, [B, T] and the texts' lengths to [B, T, D]; and the most tokens of a text.
  ///
  /// - Throws: `LoadingError` for a model that has no such states.
  fileprivate func tokenStates() throws(LoadingError) -> (
    states: (Indices, [Int]) -> Tensor, context: Int
  ) {
    switch model {
    case .encoder(let model): ({ model.states(of: $0, lengths: $1) }, model.context)
    case .maskedLanguage(let model): ({ model.states(of: $0, lengths: $1) }, model.context)
    case .language(let model):
      // What lies behind a text is not seen from within it.
      ({ tokens, _ in model.states(of: tokens) }, model.context)
    case .sequenceToSequence, .prediction, .textClassification:
      throw LoadingError.otherModel(path: path, found: kind, expected: .encoder)
    }
  }

  /// D: one token says how wide states are.
  ///
  /// - Throws: `LoadingError` for a model that has no such states.
  func stateWidth() throws(LoadingError) -> Int {
    let states = try tokenStates().states
    return workspace.withoutRecording { states(Indices([0], shape: [1, 1]), [1]).shape.last }
  }
}
