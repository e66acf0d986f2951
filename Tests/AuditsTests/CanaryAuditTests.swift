import LockstepAudits
import LockstepDatasets
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Secrets that are often in the data are exposed, others are not, and privacy keeps them.
@Suite struct CanaryAuditTests {
  private let bench: Bench

  init() throws { bench = try Bench() }

  private func options() -> CanaryAudit.Options {
    var options = CanaryAudit.Options()
    (options.repetitions, options.canaries, options.format) = ([0, 24], 4, "code @: ###")
    return options
  }

  private func report(
    _ configuration: RunConfiguration, _ options: CanaryAudit.Options
  ) throws -> CanaryReport {
    try CanaryAudit(
      configuration, path: "text.yaml", pool: configuration.pool(), options: options
    ).run(in: Workspace())
  }

  @Test func whatIsOftenInTheDataIsExposed() throws {
    let report = try report(try bench.text("", steps: 300), options())
    #expect(report.groups.map(\.repetitions) == [0, 24])
    #expect(report.comparedCount == 1000 && report.spaceCount == 1000)
    #expect(report.groups[0].chance > 0.01)
    #expect(report.groups[1].mean > 6 && report.groups[1].chance < 1e-4)
    #expect(report.groups[1].exposures.allSatisfy { $0 <= 9.97 })
  }

  @Test func aPrivateRunKeepsSecrets() throws {
    let configuration = try bench.text(
      "privacy: {epsilon: 2, clip: 0.5, delta: 1e-4, key_file: none}", steps: 60)
    var options = options()
    (options.repetitions, options.canaries) = ([0, 1], 8)
    let report = try report(configuration, options)
    #expect(report.isPrivate)
    for group in report.groups { #expect(group.chance > 0.01, "\(report)") }
  }

  @Test func aFormatHasDigitsAndFits() throws {
    let configuration = try bench.text("", steps: 1)
    var options = options()
    options.format = "no secret"
    #expect(throws: AuditError.wrongFormat("no secret")) { try report(configuration, options) }
    options.format = String(repeating: "long ", count: 10) + "#"
    #expect(throws: AuditError.longCanary(tokens: 51, window: 32)) {
      try report(configuration, options)
    }
    options = self.options()
    options.repetitions = [100_000]
    #expect(throws: AuditError.self) { try report(configuration, options) }
  }

  /// The canary's two digits are one token, and others are two.
  @Test func whatACanaryIsComparedWithFitsToo() throws {
    var options = CanaryAudit.Options()
    (options.repetitions, options.canaries) = ([1], 1)
    let canary = Canary.drawn(
      repetitions: [1], count: 1, spaceCount: 100, AuditDraws(seed: options.seed))[0]
    let digits = canary.secret < 10 ? "0\(canary.secret)" : "\(canary.secret)"
    try bench.folder.write("text.txt", String(repeating: digits + "\n", count: 500))
    _ = try DatasetPreparation(
      inputs: [bench.folder.path + "/text.txt"], output: bench.folder.path,
      tokenizer: .bytePairEncoding(vocabularySize: 258), validationFraction: 0
    ).run()
    let configuration = try RunConfiguration.parse(
      yaml: """
        directory: \(bench.folder.path)
        data: {train: train.bin, validation: null, tokenizer: tokenizer.json}
        model: {architecture: gpt, layers: 1, width: 32, heads: 2, context: 15}
        steps: 1
        """, source: "text.yaml")
    options.format = String(repeating: "x", count: 15) + "##"
    #expect(throws: AuditError.longCanary(tokens: 17, window: 16)) {
      try CanaryAudit(
        configuration, path: "text.yaml", pool: configuration.pool(), options: options)
    }
    options.format.removeFirst()
    _ = try report(configuration, options)
  }

  @Test func canariesHaveNamesOfTheirOwn() {
    let canaries = Canary.drawn(
      repetitions: [0, 1, 2], count: 60, spaceCount: 100, AuditDraws(seed: 4))
    #expect(Set(canaries.map(\.name)).count == 180)
    #expect(canaries.allSatisfy { (0..<100).contains($0.secret) })
    #expect(canaries.map(\.repetitions) == (0..<3).flatMap { [Int](repeating: $0, count: 60) })
  }

  @Test func aPieceIsReadAndPredictedInItsWindow() throws {
    let configuration = try bench.text("", steps: 1)
    let pool = try configuration.pool()
    guard case .sequences(let parts, _, _) = pool.content else {
      Issue.record("a text has sequences")
      return
    }
    let batches = JoinedBatches(parts, pieces: [3: (position: 30, tokens: [1, 2])])
    let plain = JoinedBatches(parts)
    #expect(batches.sampleCount == pool.count && pool.heldOutCount > 0)
    var (changed, before) = (batches.emptyBatch(), batches.emptyBatch())
    batches.fill(&changed, samples: [3, pool.count - 1])
    plain.fill(&before, samples: [3, pool.count - 1])
    #expect(Array(changed.inputs[..<30]) == Array(before.inputs[..<30]))
    #expect(changed.inputs[30] == 1 && Array(changed.targets[29...30]) == [1, 2])
    #expect(Array(changed.inputs[31...]) == Array(before.inputs[31...]))
    var last = parts[1].emptyBatch()
    parts[1].fill(&last, samples: [parts[1].sampleCount - 1])
    #expect(Array(changed.inputs[31...]) == last.inputs)
  }
}
