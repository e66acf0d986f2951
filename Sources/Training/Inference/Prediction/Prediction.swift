import Foundation
import LockstepSettings

/// What a model says of a row of a table, an image or a text.
public struct Prediction: Sendable, Equatable, Encodable {
  /// From 1: of a table its rows without the header, of a file of images its images, of text its lines.
  public let row: Int
  /// The value, in the units of the data; nil where a class is predicted.
  public let value: Float?
  /// The likeliest classes, likeliest first; none where a value is predicted, and for a line of
  /// nothing but white space.
  public let classes: [ClassProbability]
  /// What the file has for an answer; nil where it has none.
  public let target: String?
  /// Tokens that the model read, 0 of a blank line; nil where it reads no text.
  public let tokens: Int?
  /// Whether the text is longer than the model's context, and only its beginning was read.
  public let isCut: Bool

  init(
    row: Int, value: Float? = nil, classes: [ClassProbability] = [], target: String? = nil,
    tokens: Int? = nil, isCut: Bool = false
  ) {
    (self.row, self.value, self.classes, self.target) = (row, value, classes, target)
    (self.tokens, self.isCut) = (tokens, isCut)
  }

  enum CodingKeys: String, CodingKey {
    case row, prediction, probability, classes, target, tokens, cut
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(row, forKey: .row)
    if let value {
      try container.encode(value, forKey: .prediction)
    } else {
      // A blank line has no class, and says so.
      try container.encode(classes.first?.name, forKey: .prediction)
      try container.encode(classes.first?.probability, forKey: .probability)
      try container.encode(classes, forKey: .classes)
    }
    if value != nil, let number = target.flatMap({ Double(decimal: $0) }) {
      try container.encode(number, forKey: .target)
    } else {
      try container.encodeIfPresent(target, forKey: .target)
    }
    if let tokens {
      try container.encode(tokens, forKey: .tokens)
      try container.encode(isCut, forKey: .cut)
    }
  }
}

/// A class and how likely it is.
public struct ClassProbability: Sendable, Equatable, Encodable {
  public let name: String
  public let probability: Double

  enum CodingKeys: String, CodingKey {
    case name = "class"
    case probability
  }
}

/// How scores become classes with probabilities.
struct ClassScores {
  /// The classes' names, in the order of their numbers.
  let names: [String]
  /// Whether each class is a question of its own, answered by yes or no: then the probabilities do
  /// not add up to 1.
  let asksOfEachClass: Bool

  /// The likeliest classes, likeliest first; of equals the one of the lower number, on every machine.
  ///
  /// - Parameters:
  ///   - scores: [C].
  ///   - count: How many classes; nil: all.
  func likeliest(_ scores: [Float], count: Int?) -> [ClassProbability] {
    let largest = Double(scores.max() ?? 0)
    let weights = scores.map { score in
      asksOfEachClass ? 1 / (1 + exp(-Double(score))) : exp(Double(score) - largest)
    }
    let sum = asksOfEachClass ? 1 : weights.reduce(0, +)
    let order = scores.indices.sorted {
      scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
    }
    return order.prefix(count ?? scores.count).map {
      ClassProbability(name: names[$0], probability: weights[$0] / sum)
    }
  }
}

extension Recipe {
  /// Whether each class is a question of its own, answered by yes or no.
  package var asksOfEachClass: Bool {
    if case .binaryCrossEntropy = loss.kind { true } else { false }
  }
}
