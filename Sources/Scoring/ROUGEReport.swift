import Foundation

/// ROUGE of a corpus, for people and programs.
public struct ROUGEReport: Sendable, Encodable, CustomStringConvertible {
  public let lines: Int
  public let references: Int
  public let rouge1: ROUGE.Value
  public let rouge2: ROUGE.Value
  public let rougeL: ROUGE.Value

  private enum CodingKeys: String, CodingKey {
    case lines, references, rouge1, rouge2
    case rougeL = "rougel"
  }

  public init(_ corpus: CorpusROUGE) {
    (lines, references) = (corpus.lineCount, corpus.referenceCount)
    let scores = corpus.scores
    (rouge1, rouge2, rougeL) = (scores.rouge1, scores.rouge2, scores.rougeL)
  }

  public var description: String {
    [("ROUGE-1", rouge1), ("ROUGE-2", rouge2), ("ROUGE-L", rougeL)].map { name, value in
      String(
        format: "%@ = %.2f (precision = %.2f recall = %.2f)", name, 100 * value.f,
        100 * value.precision, 100 * value.recall)
    }.joined(separator: "\n")
  }
}
