import ArgumentParser
import Foundation
import LockstepScoring
import LockstepSettings

struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares texts with references: BLEU and chrF of translations, ROUGE of summaries.",
    discussion: """
      The figures are sacrebleu's, and rouge-score's without a stemmer. Line n of the texts is compared \
      with line n of each file of references; all are UTF-8.
      """)

  @Argument(help: "Texts, one a line: a file or pipe; - is standard input.")
  var hypotheses: String

  @Argument(help: "What they should be: one or more files of as many lines.")
  var references: [String]

  @Option(help: "translation: BLEU and chrF; rouge: ROUGE-1, -2 and -L.")
  var metric = ScoreMetric.translation

  @Option(help: "How BLEU cuts lines into words: 13a, intl, char or none. Default: 13a.")
  var tokenize: WordTokenization?

  @Option(
    help:
      "Sequences of up to this many words that chrF counts too, 0 to 2; 2 is chrF++. Default: 0.")
  var wordOrder: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try Requirement.within(0...2).check(wordOrder, of: "--word-order")
    guard metric == .translation || tokenize == nil && wordOrder == nil else {
      throw ValidationError("--tokenize and --word-order go with --metric translation")
    }
  }

  func run() throws {
    switch metric {
    case .translation:
      var score = CorpusScore(
        bleu: BLEU(tokenize ?? .thirteenA),
        characterFScore: CharacterFScore(wordOrder: wordOrder ?? 0))
      try score.add(hypotheses: hypotheses, references: references)
      try StandardOutput.print(ScoreReport(score), asJSON: json)
    case .rouge:
      var score = CorpusROUGE()
      try score.add(hypotheses: hypotheses, references: references)
      try StandardOutput.print(ROUGEReport(score), asJSON: json)
    }
  }
}

/// What `lockstep score` measures.
enum ScoreMetric: String, CaseIterable, ExpressibleByArgument {
  case translation
  case rouge
}

extension WordTokenization: ExpressibleByArgument {}
