import Foundation
import LockstepReporting
import TestSupport
import Testing

/// `docs/run-directory.md` names the members that are written, all of them and no others.
@Suite struct RunDirectoryPageTests {
  private let page: RunDirectoryPage
  private let file: TemporaryFile

  init() throws {
    page = try RunDirectoryPage()
    file = try TemporaryFile("metrics.jsonl")
  }

  // MARK: - Records with everything that there can be

  private static let step: StepRecord = {
    var record = Sample.step(7)
    (record.epsilon, record.clients) = (1, 2)
    return record
  }()

  private static let evaluation = EvaluationRecord(
    step: 7, loss: 1, metrics: [], tokens: 5, seconds: 1, weights: "average")

  private static let ranks = RanksRecord(
    step: 7,
    ranks: [
      .init(
        forwardSeconds: 1, backwardSeconds: 1, reductionSeconds: 1, waitingSeconds: 1,
        optimizerSeconds: 1, residentBytes: 1)
    ])

  private static let sample = SamplesRecord.Sample(
    kind: .prompt, input: "a", text: "b", reference: "c",
    image: GrayImage(width: 1, height: 1, pixels: [0]))

  private static let privacy = PrivacySummary(
    epsilon: 1, delta: 1e-5, noise: 1, clip: 1, accountant: "prv", samplingRate: 0.1, samples: 5,
    unit: "image", keyFingerprint: "00")

  private static let summary: RunSummary = {
    var summary = Sample.summary
    summary.metrics = []
    (summary.formula, summary.weights, summary.privacy) = ("y = x", "best", privacy)
    return summary
  }()

  /// A member that is added later, and may be nil, has a value here: else it would not be compared.
  @Test func theRecordsOfTheseTestsHaveAValueForEverything() throws {
    let records: [Any] = [
      Self.step, Self.evaluation, Self.ranks.ranks[0], Self.sample, Self.privacy, Self.summary,
      Sample.overview,
    ]
    for record in records {
      for (label, value) in Mirror(reflecting: record).children {
        let mirror = Mirror(reflecting: value)
        let isNil = mirror.displayStyle == .optional && mirror.children.isEmpty
        #expect(!isNil, "\(type(of: record)).\(label ?? "")")
      }
    }
  }

  // MARK: - metrics.jsonl

  /// The line that an event makes.
  private func line(_ event: RunEvent) throws -> [String: Any] {
    try JSONLinesReporter(path: file.path).receive(event)
    return try object(file.content)
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func kinds(_ line: [String: Any]) -> Set<String> {
    Set(line.keys).intersection(page.tables(below: "## metrics.jsonl")[0])
  }

  @Test func aStepHasTheMembersThatThePageNames() throws {
    let line = try line(.step(Self.step))
    #expect(page.tables(below: "### A step") == [Set(line.keys)])
    #expect(kinds(line) == ["loss"])
  }

  @Test func anEvaluationHasTheMembersThatThePageNames() throws {
    let line = try line(.evaluation(Self.evaluation))
    #expect(page.tables(below: "### An evaluation").first == Set(line.keys))
    #expect(kinds(line) == ["validation_loss"])
  }

  @Test func ranksHaveTheMembersThatThePageNames() throws {
    let line = try line(.ranks(Self.ranks))
    let rank = try #require((line["ranks"] as? [[String: Any]])?.first)
    #expect(page.tables(below: "### The ranks") == [Set(line.keys), Set(rank.keys)])
    #expect(kinds(line) == ["ranks"])
  }

  @Test func samplesHaveTheMembersThatThePageNames() throws {
    var members: Set<String> = []
    for kind in [SamplesRecord.Sample.Kind.prompt, .source, .input] {
      var sample = Self.sample
      sample.kind = kind
      let line = try line(.samples(SamplesRecord(step: 7, samples: [sample])))
      #expect(page.tables(below: "### Samples").first == Set(line.keys))
      #expect(kinds(line) == ["samples"])
      members.formUnion(try #require((line["samples"] as? [[String: Any]])?.first).keys)
    }
    #expect(page.tables(below: "### Samples").last == members)
  }

  // MARK: - summary.json

  @Test func aSummaryHasTheMembersThatThePageNames() throws {
    try Self.summary.write(to: file.path)
    let summary = try object(file.content)
    let privacy = try #require(summary["privacy"] as? [String: Any])
    let program = try #require(summary["lockstep"] as? [String: Any])
    #expect(
      page.tables(below: "## summary.json") == [
        Set(summary.keys), Set(privacy.keys), Set(program.keys),
      ])
  }

  // MARK: - Standard output

  @Test func thePageNamesTheMembersOfEveryEvent() throws {
    let output = RecordedOutput()
    let reporter = JSONEventReporter(output: output)
    let events: [RunEvent] = [
      .started(Sample.overview), .checkpoint(CheckpointRecord(step: 1, path: "a", seconds: 1)),
      .distributions(DistributionsRecord(step: 1, kind: .updates, tensors: [])),
      .notice("a"), .stopped(signal: "SIGINT", step: 1),
    ]
    for event in events { reporter.receive(event) }
    let objects = try output.text.split(separator: "\n").map { try object(String($0)) }
    let names = ["event"] + objects.compactMap { $0["event"] as? String }
    #expect(page.tables(below: "## The same on standard output") == [Set(names)])
    for members in objects {
      let name = try #require(members["event"] as? String)
      let row = page.text.split(separator: "\n").last { $0.hasPrefix("| `\(name)` |") }
      for key in members.keys where key != "event" {
        #expect(row?.contains("`\(key)`") == true, "\(name): \(key)")
      }
    }
  }
}
