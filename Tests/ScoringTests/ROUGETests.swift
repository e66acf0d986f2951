import Foundation
import LockstepScoring
import TestSupport
import Testing

/// What scripts/fixtures/rouge.py wrote: rouge-score's figures.
private struct ROUGEFixture: Decodable {
  let hypothesis: String
  let references: [String]
  /// Precision, recall and F.
  let scores: [String: [Double]]

  static var all: [ROUGEFixture] {
    get throws {
      let folder = try #require(Bundle.module.resourceURL)
      let data = try Data(contentsOf: folder.appending(path: "Fixtures/rouge.json"))
      return try JSONDecoder().decode([ROUGEFixture].self, from: data)
    }
  }
}

extension ROUGE.Scores {
  fileprivate var figures: [String: [Double]] {
    ["rouge1": rouge1, "rouge2": rouge2, "rougeL": rougeL].mapValues {
      [$0.precision, $0.recall, $0.f]
    }
  }
}

@Suite struct ROUGETests {
  @Test func figuresAreThoseOfRougeScore() throws {
    let fixture = try ROUGEFixture.all
    #expect(fixture.count == 70)
    for example in fixture {
      let scores = ROUGE().scores(of: example.hypothesis, references: example.references)
      #expect(scores.figures == example.scores, "\(example.hypothesis) | \(example.references)")
    }
  }

  @Test func aCorpusHasTheMeansOfItsLines() throws {
    var corpus = CorpusROUGE()
    corpus.add("a b", references: ["a b"])
    corpus.add("a b", references: ["c d"])
    #expect(corpus.scores.figures["rouge1"] == [0.5, 0.5, 0.5])
    #expect(corpus.lineCount == 2)
    #expect(
      "\(ROUGEReport(corpus))".hasPrefix("ROUGE-1 = 50.00 (precision = 50.00 recall = 50.00)"))
  }

  @Test func filesHaveEquallyManyLines() throws {
    let directory = try TemporaryDirectory()
    try Data("a\nb\n".utf8).write(to: URL(filePath: directory.path + "/h"))
    try Data("a\n".utf8).write(to: URL(filePath: directory.path + "/r"))
    var corpus = CorpusROUGE()
    #expect(throws: ScoringError.self) {
      try corpus.add(hypotheses: directory.path + "/h", references: [directory.path + "/r"])
    }
  }
}
