import Foundation

/// The scores of a corpus, for people and programs.
public struct ScoreReport: Sendable, Encodable, CustomStringConvertible {
  public let lines: Int
  public let bleu: Double
  public let bleuSignature: String
  /// Percent, of 1 to 4 words.
  public let precisions: [Double]
  public let brevityPenalty: Double
  /// Words.
  public let hypothesisLength: Int
  /// Words.
  public let referenceLength: Int
  public let chrf: Double
  public let chrfSignature: String

  private let chrfName: String

  private enum CodingKeys: String, CodingKey {
    case lines, bleu, bleuSignature, precisions, brevityPenalty, hypothesisLength, referenceLength
    case chrf, chrfSignature
  }

  public init(_ score: CorpusScore) {
    let counts = score.bleuStatistics
    lines = score.lineCount
    bleu = counts.score
    bleuSignature = score.bleu.signature(references: score.referenceCount)
    precisions = counts.precisions
    brevityPenalty = counts.brevityPenalty
    (hypothesisLength, referenceLength) = (counts.hypothesisLength, counts.referenceLength)
    chrf = score.characterStatistics.score
    chrfSignature = score.characterFScore.signature(references: score.referenceCount)
    chrfName = score.characterFScore.name
  }

  public var description: String {
    let parts = precisions.map { String(format: "%.1f", $0) }.joined(separator: "/")
    let ratio = referenceLength == 0 ? 0 : Double(hypothesisLength) / Double(referenceLength)
    return """
      BLEU|\(bleuSignature) = \(String(format: "%.2f", bleu)) \(parts) \
      (BP = \(String(format: "%.3f", brevityPenalty)) ratio = \(String(format: "%.3f", ratio)) \
      hyp_len = \(hypothesisLength) ref_len = \(referenceLength))
      \(chrfName)|\(chrfSignature) = \(String(format: "%.2f", chrf))
      """
  }
}
