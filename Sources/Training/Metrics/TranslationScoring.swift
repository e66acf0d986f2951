import LockstepDatasets
import LockstepModels
import LockstepScoring

/// How held-out texts are translated and compared with their translations.
public struct TranslationScoring: Sendable {
  let method: DecodingMethod
  let tokenizer: any Tokenizer

  /// - Parameters:
  ///   - method: How translations are chosen.
  ///   - tokenizer: Of texts and translations.
  public init(_ method: DecodingMethod, tokenizer: any Tokenizer) {
    self.method = method
    self.tokenizer = tokenizer
  }

  /// What is measured: BLEU and chrF, in percent.
  let metrics: [Metric] = [.bleu, .characterFScore]

  /// The metrics' sums over a batch.
  ///
  /// - Throws: `NotFiniteLogitsError`.
  func sums(of batch: PairBatch, by model: any SequenceToSequenceModel) throws -> [Double] {
    // A text ends with the token that a target begins with.
    let end = batch.inputs[0]
    let sources = batch.sourceLengths.enumerated().map { row, length in
      let start = row * batch.sourcePositionCount
      return Array(batch.sources[start..<start + length])
    }
    let found = try method.run(
      TargetContinuation(of: sources, begin: end, by: model, limit: model.context), end: end,
      maxTokens: model.context, vocabularyCount: tokenizer.vocabularyCount,
      in: model.headWeight.tensor.workspace)
    var score = CorpusScore()
    for (row, hypothesis) in found.enumerated() {
      let start = row * batch.targetPositionCount
      let reference = batch.targets[start..<start + batch.targetPositionCount].prefix {
        $0 != end && $0 >= 0
      }
      score.add(
        tokenizer.line(of: hypothesis.tokens), references: [tokenizer.line(of: Array(reference))])
    }
    return (score.bleuStatistics.counts + score.characterStatistics.counts).map(Double.init)
  }
}

extension Metric {
  /// BLEU of translations, in percent. Its sums: `BLEU.Statistics`.
  static let bleu = Metric("bleu", sumCount: BLEU.Statistics.count) { _, sums in
    counts(sums).map { BLEU.Statistics(counts: $0).score } ?? .nan
  }

  /// chrF of translations, in percent. Its sums: `CharacterFScore.Statistics`.
  static let characterFScore = Metric("chrf", sumCount: CharacterFScore.Statistics.count) {
    _, sums in
    counts(sums).map { CharacterFScore.Statistics(counts: $0).score } ?? .nan
  }

  /// Nil where a text could not be translated.
  private static func counts(_ sums: [Double]) -> [Int]? {
    sums.allSatisfy(\.isFinite) ? sums.map { Int($0) } : nil
  }
}
