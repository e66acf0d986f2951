import ArgumentParser
import Foundation
import LockstepScoring

struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares translations with references: BLEU and chrF.",
    discussion: """
      The figures are sacrebleu's. Line n of the translations is compared with line n of each file \
      of references; all are UTF-8.
      """)

  @Argument(help: "Translations, one a line: a file or pipe; - is standard input.")
  var hypotheses: String

  @Argument(help: "What they should be: one or more files of as many lines.")
  var references: [String]

  @Option(help: "How BLEU cuts lines into words: 13a, intl, char or none.")
  var tokenize = WordTokenization.thirteenA

  @Option(help: "Sequences of up to this many words that chrF counts too, 0 to 2; 2 is chrF++.")
  var wordOrder = 0

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard 0...2 ~= wordOrder else { throw ValidationError("--word-order is 0, 1 or 2") }
  }

  func run() throws {
    var score = CorpusScore(
      bleu: BLEU(tokenize), characterFScore: CharacterFScore(wordOrder: wordOrder))
    try score.add(hypotheses: hypotheses, references: references)
    try StandardOutput.print(ScoreReport(score), asJSON: json)
  }
}

extension WordTokenization: ExpressibleByArgument {}
