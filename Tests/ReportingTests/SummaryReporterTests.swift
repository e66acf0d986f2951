import Foundation
import LockstepFiles
import LockstepReporting
import Testing

@Suite struct SummaryReporterTests {
  let file: TemporaryFile

  init() throws { file = try TemporaryFile("summary.json") }

  @Test func summaryReadsBack() throws {
    let reporter = SummaryReporter(path: file.path)
    try reporter.receive(.step(Sample.step(1)))
    #expect(try file.siblings.isEmpty)
    try reporter.receive(.finished(Sample.summary))
    #expect(try RunSummary.load(from: file.path) == Sample.summary)
    #expect(try file.siblings == ["summary.json"])
  }

  @Test func keysAreThoseOfTheContract() throws {
    try Sample.summary.write(to: file.path)
    let object = try JSONSerialization.jsonObject(with: Data(file.content.utf8))
    let keys = try #require(object as? [String: Any]).keys
    #expect(
      keys.sorted() == [
        "bits_per_byte", "gflops", "lockstep", "loss", "parameters", "parameters_sha256",
        "peak_gflops", "peak_share", "ranks", "seconds", "steps", "threads", "tokens",
        "tokens_per_second", "validation_loss",
      ])
  }

  @Test func whatIsNotKnownIsLeftOut() throws {
    var summary = Sample.summary
    summary.validationLoss = nil
    summary.metrics = []
    summary.peakShare = nil
    summary.provenance = nil
    try summary.write(to: file.path)
    #expect(try !file.content.contains("peak_share"))
    #expect(try !file.content.contains("validation_loss"))
    #expect(try !file.content.contains("lockstep"))
    #expect(try RunSummary.load(from: file.path).bitsPerByte == nil)
  }

  @Test func whatIsNotFiniteReadsBackAsItWas() throws {
    var summary = Sample.summary
    summary.validationLoss = .infinity
    summary.metrics = [.init("bits_per_byte", .infinity), .init("r2", -.infinity)]
    try summary.write(to: file.path)
    #expect(try RunSummary.load(from: file.path) == summary)
    summary.validationLoss = .nan
    try summary.write(to: file.path)
    #expect(try RunSummary.load(from: file.path).validationLoss?.isNaN == true)
  }

  /// Foundation reads numbers of many digits as decimals, and rounds these once more.
  @Test func metricsKeepTheirBits() throws {
    var summary = Sample.summary
    summary.metrics = [.init("r2", 0.6122069314768387), .init("r3", 0.00030000000000000003)]
    try summary.write(to: file.path)
    #expect(try RunSummary.load(from: file.path).metrics == summary.metrics)
  }

  @Test func whatCanNotBeReadIsToldInWords() throws {
    let absent = #expect(throws: SummaryError.self) { try RunSummary.load(from: file.path) }
    #expect("\(try #require(absent))" == "\(file.path): cannot open: No such file or directory")
    try Sample.summary.write(to: file.path)
    let whole = try file.content
    for (damaged, problem) in [
      (String(whole.dropLast(20)), "bad JSON"), ("[]", "Dictionary"),
      (whole.replacing("\"steps\"", with: "\"stops\""), "lacks 'steps'"),
      (whole.replacing("\"steps\":", with: "\"steps\":\"many\",\"a\":"), "key 'steps'"),
    ] {
      try #require(damaged != whole)
      try Data(damaged.utf8).write(to: URL(fileURLWithPath: file.path))
      let error = #expect(throws: SummaryError.self) { try RunSummary.load(from: file.path) }
      let message = "\(try #require(error))"
      #expect(message.hasPrefix("\(file.path): ") && message.contains(problem), "\(message)")
      #expect(message.hasSuffix("which writes it anew)"))
    }
  }

  @Test func failureLeavesTheOldSummary() throws {
    try FileManager.default.createDirectory(
      atPath: file.path, withIntermediateDirectories: false)
    #expect(throws: FileError.self) { try Sample.summary.write(to: file.path) }
    #expect(try file.siblings == ["summary.json"])
  }
}

@Suite struct JSONEventReporterTests {
  @Test func everyEventIsOneNamedLine() throws {
    let output = RecordedOutput()
    let reporter = JSONEventReporter(output: output)
    let events: [RunEvent] = [
      .started(Sample.overview), .step(Sample.step(1)), .evaluation(Sample.evaluation(1)),
      .checkpoint(CheckpointRecord(step: 1, path: #"a"\b"#, seconds: 1)),
      .notice("two\nlines\u{1}"), .stopped(signal: "SIGINT", step: 1), .finished(Sample.summary),
    ]
    for event in events { reporter.receive(event) }
    let objects = try output.text.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(
      objects.map { $0["event"] as? String } == [
        "started", "step", "evaluation", "checkpoint", "notice", "stopped", "finished",
      ])
    #expect(objects[0]["resumed_step"] as? Int == 250)
    #expect(objects[3]["path"] as? String == #"a"\b"#)
    #expect(objects[4]["text"] as? String == "two\nlines\u{1}")
  }
}
