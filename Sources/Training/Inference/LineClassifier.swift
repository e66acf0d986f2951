import Foundation
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// What a model says of a line of text.
public struct LineClassification: Sendable, Encodable {
  /// A class and how likely it is.
  public struct Candidate: Sendable, Encodable {
    /// The class's name.
    public let name: String
    public let probability: Double

    enum CodingKeys: String, CodingKey {
      case name = "class"
      case probability
    }
  }

  /// The line's number, from 1.
  public let line: Int
  /// Tokens that the model read; 0 for an empty line.
  public let tokens: Int
  /// Whether the line is longer than the model's context, and only its beginning was read.
  public let isCut: Bool
  /// The likeliest classes, likeliest first; none for an empty line.
  public let classes: [Candidate]

  enum CodingKeys: String, CodingKey {
    case line, tokens, classes
    case isCut = "cut"
  }
}

/// Sorts lines of text into classes.
///
/// What is said of a line is a function of the model and the line: not of the lines beside it nor of the number of
/// threads.
public final class LineClassifier {
  private let model: any TextClassifier
  private let reader: LineTokens
  private let workspace: Workspace
  private let batch: Int
  /// The names of the classes, in the order of their numbers.
  public let classes: [String]

  /// - Parameters:
  ///   - trained: A model that sorts texts.
  ///   - batch: Lines that are computed at a time; does not change what is said of them. Default: 16.
  ///   - special: What names of special tokens in the lines are. Default: these tokens.
  /// - Throws: `LoadingError` for a model of another kind, or one without a tokenizer.
  public init(_ trained: TrainedModel, batch: Int = 16, special: SpecialTokens = .token) throws {
    precondition(batch >= 1, "at least one text is read at a time, not \(batch)")
    let (model, classes) = try trained.textClassifier()
    self.model = model
    self.classes = classes.names
    self.batch = batch
    workspace = trained.workspace
    reader = LineTokens(
      tokenizer: try trained.requiredTokenizer(), limit: model.context, special: special)
  }

  /// The likeliest classes of lines; of one of nothing but white space none.
  ///
  /// - Parameters:
  ///   - lines: UTF-8 without line ends; what is not UTF-8 becomes U+FFFD.
  ///   - first: The first one's number. Default: 1.
  ///   - count: How many classes of each. Default: 1.
  /// - Throws: `LineError` if the vocabulary cannot express a line; `NotFiniteLogitsError`.
  public func classify(
    _ lines: [[UInt8]], first: Int = 1, count: Int = 1
  ) throws -> [LineClassification] {
    let texts = try lines.enumerated().map { try reader.tokens(of: $1, line: first + $0) }
    var found: [Int: [LineClassification.Candidate]] = [:]
    let filled = texts.indices.filter { !texts[$0].isBlank && !texts[$0].tokens.isEmpty }
    for start in stride(from: 0, to: filled.count, by: batch) {
      let part = Array(filled[start..<min(start + batch, filled.count)])
      let scores = workspace.withoutRecording {
        let rows = LineTokens.rectangle(part.map { texts[$0].tokens })
        return model.outputs(of: rows.tokens, lengths: rows.lengths).elements
      }
      if let place = scores.firstIndex(where: { !$0.isFinite }) {
        throw NotFiniteLogitsError(
          position: nil, input: "line \(first + part[place / classes.count])")
      }
      for (row, index) in part.enumerated() {
        found[index] = candidates(
          Array(scores[row * classes.count..<(row + 1) * classes.count]), count: count)
      }
    }
    return texts.indices.map { index in
      let isRead = found[index] != nil
      return LineClassification(
        line: first + index, tokens: isRead ? texts[index].tokens.count : 0,
        isCut: isRead && texts[index].isCut, classes: found[index] ?? [])
    }
  }

  private func candidates(_ scores: [Float], count: Int) -> [LineClassification.Candidate] {
    let largest = Double(scores.max() ?? 0)
    let weights = scores.map { exp(Double($0) - largest) }
    let sum = weights.reduce(0, +)
    // Of equals the first, on every machine.
    let order = scores.indices.sorted {
      scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
    }
    return order.prefix(count).map {
      LineClassification.Candidate(name: classes[$0], probability: weights[$0] / sum)
    }
  }
}
