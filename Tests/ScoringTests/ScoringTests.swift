import Foundation
import LockstepScoring
import Testing

/// What scripts/fixtures/scores.py wrote: sacrebleu's words and scores.
private struct ScoreFixture: Decodable {
  struct Line: Decodable {
    let line: String
    let words: [String: [String]]
  }

  struct Corpus: Decodable {
    struct ExpectedBLEU: Decodable {
      let score: Double
      let matches: [Int]
      let totals: [Int]
      let precisions: [Double]
      let brevityPenalty: Double
      let hypothesisLength: Int
      let referenceLength: Int
      let text: String
      let signature: String
    }

    struct ExpectedCharacterFScore: Decodable {
      let name: String
      let score: Double
      let signature: String
    }

    let name: String
    let hypotheses: [String]
    let references: [[String]]
    let bleu: [String: ExpectedBLEU]
    let chrf: [ExpectedCharacterFScore]

    func score(_ bleu: BLEU, _ characterFScore: CharacterFScore = CharacterFScore()) -> CorpusScore
    {
      var score = CorpusScore(bleu: bleu, characterFScore: characterFScore)
      for (index, line) in hypotheses.enumerated() {
        score.add(line, references: references.map { $0[index] })
      }
      return score
    }
  }

  let words: [Line]
  let corpora: [Corpus]

  init() throws {
    let folder = try #require(Bundle.module.resourceURL)
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/scores.json"))
    self = try JSONDecoder().decode(Self.self, from: data)
  }
}

@Suite struct ScoringTests {
  @Test(arguments: WordTokenization.allCases)
  func wordsAreThoseOfSacrebleu(_ tokenization: WordTokenization) throws {
    let fixture = try ScoreFixture()
    try #require(fixture.words.count > 150)
    for line in fixture.words {
      let expected = try #require(line.words[tokenization.rawValue])
      // Swift's strings are equal where they are canonically equivalent; scalars are not.
      #expect(
        tokenization.words(line.line).map { Array($0.unicodeScalars) }
          == expected.map { Array($0.unicodeScalars) }, "\(line.line.debugDescription)")
    }
  }

  @Test(arguments: WordTokenization.allCases)
  func bleuEqualsThatOfSacrebleu(_ tokenization: WordTokenization) throws {
    for corpus in try ScoreFixture().corpora {
      let expected = try #require(corpus.bleu[tokenization.rawValue])
      let score = corpus.score(BLEU(tokenization))
      let counts = score.bleuStatistics
      #expect(counts.matches == expected.matches, "\(corpus.name)")
      #expect(counts.totals == expected.totals, "\(corpus.name)")
      #expect(counts.hypothesisLength == expected.hypothesisLength, "\(corpus.name)")
      #expect(counts.referenceLength == expected.referenceLength, "\(corpus.name)")
      #expect(abs(counts.brevityPenalty - expected.brevityPenalty) < 1e-12, "\(corpus.name)")
      for (precision, known) in zip(counts.precisions, expected.precisions) {
        #expect(abs(precision - known) < 1e-10, "\(corpus.name)")
      }
      #expect(abs(counts.score - expected.score) < 1e-9, "\(corpus.name)")
      // "BLEU = 12.34 …" there, "BLEU|nrefs:1|… = 12.34 …" here.
      let text = ScoreReport(score).description.prefix { $0 != "\n" }
      #expect(text == "BLEU|\(expected.signature)" + expected.text.dropFirst(4), "\(corpus.name)")
    }
  }

  @Test(arguments: 0...2) func characterFScoreEqualsThatOfSacrebleu(_ wordOrder: Int) throws {
    for corpus in try ScoreFixture().corpora {
      let expected = corpus.chrf[wordOrder]
      let score = corpus.score(BLEU(), CharacterFScore(wordOrder: wordOrder))
      #expect(abs(score.characterStatistics.score - expected.score) < 1e-9, "\(corpus.name)")
      #expect(score.characterFScore.name == expected.name)
      #expect(
        score.characterFScore.signature(references: corpus.references.count) == expected.signature)
    }
  }

  @Test func countsOfACorpusSurviveAsNumbers() throws {
    let corpus = try #require(try ScoreFixture().corpora.last)
    let score = corpus.score(BLEU())
    let (words, characters) = (score.bleuStatistics, score.characterStatistics)
    #expect(BLEU.Statistics(counts: words.counts) == words)
    #expect(CharacterFScore.Statistics(counts: characters.counts) == characters)
    #expect(words.counts.count == BLEU.Statistics.count)
    #expect(characters.counts.count == CharacterFScore.Statistics.count)
    #expect(words.score > 0 && characters.score > 0)
  }

  @Test func filesAreComparedLineByLine() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "lockstep-scores-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
      let path = folder.appending(path: name)
      try Data(bytes).write(to: path)
      return path.path
    }
    let hypotheses = try file("hypotheses", "the cat sat on the mat\n\nyes\r\n".utf8)
    let references = try file("references", "the cat sat on the mat\nno\nyes".utf8)
    var score = CorpusScore()
    try score.add(hypotheses: hypotheses, references: [references])
    #expect(score.lineCount == 3)
    #expect(score.bleuStatistics.matches == [7, 5, 4, 3])
    #expect(score.bleuStatistics.referenceLength == 8)

    func message(_ hypotheses: String, _ references: String...) -> String {
      do {
        var score = CorpusScore()
        try score.add(hypotheses: hypotheses, references: references)
        return "no error"
      } catch {
        return "\(error)".replacing(folder.path + "/", with: "")
      }
    }
    let short = try file("short", "one\ntwo\n".utf8)
    let bad = try file("bad", "one\ntwo\n".utf8 + [0x66, 0xFF, 0x0A])
    let empty = try file("empty", [])
    #expect(
      message(hypotheses, references, short)
        == """
        hypotheses has 3 lines, short has 2: \
        line n of one is compared with line n of the other
        """)
    #expect(
      message(bad, references)
        == "bad: line 3 is not UTF-8; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
    )
    #expect(message(empty, empty) == "empty: there is no line to score")
    #expect(
      message(hypotheses, "nowhere") == "nowhere: cannot be read: No such file or directory")

    let marked = try file("marked", [0xEF, 0xBB, 0xBF] + "yes\n".utf8)
    let plain = try file("plain", "yes\n".utf8)
    var exact = CorpusScore()
    try exact.add(hypotheses: marked, references: [plain])
    #expect(exact.characterStatistics.score == 100)
    let wide = try file("wide", [0xFF, 0xFE, 0x79, 0])
    #expect(message(wide, plain).hasPrefix("wide: cannot be read: begins with the byte order mark"))
  }
}
