import Foundation
import LockstepFiles
import LockstepReporting
import LockstepTensorBoard
import TestSupport
import Testing

/// Event files have TensorBoard's form, and a resumed run leaves no step in them twice.
@Suite struct EventFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func step(_ step: Int, loss: Double = 2) -> RunEvent {
    .step(
      StepRecord(
        step: step, steps: 100, loss: loss, gradientNorm: 0.5, learningRate: 0.25, tokens: step,
        seconds: 1, tokensPerSecond: 8))
  }

  /// The events of all files, in the order in which TensorBoard reads them.
  private func events() throws -> [TensorBoardEvent] {
    try directory.names().flatMap { name in
      try MappedFile(path: directory.path + "/" + name).withBytes {
        EventRecords($0, keepsEvents: true).events
      }
    }
  }

  private func steps(of tag: String) throws -> [Int64] {
    try events().filter { $0.summary.value.contains { $0.tag == tag } }.map(\.step)
  }

  private func write(
    _ events: [RunEvent], resumedStep: Int, isComplete: Bool = false
  ) throws {
    let reporter = try TensorBoardReporter(
      directory: directory.path, resumedStep: resumedStep, isComplete: isComplete,
      now: { Date(timeIntervalSince1970: 1000) })
    for event in events { try reporter.receive(event) }
  }

  @Test func whatTensorBoardWroteIsRead() throws {
    let folder = try #require(Bundle.module.resourceURL)
    let file = try MappedFile(path: folder.appending(path: "Fixtures/events.tfevents").path)
    let records = file.withBytes { EventRecords($0, keepsEvents: true) }
    #expect(records.places.map(\.step) == [0, 1, 2, 3])
    #expect(records.places.last?.end == file.withBytes { $0.count })
    #expect(records.events[0].fileVersion == "brain.Event:2")
    #expect(
      records.events.dropFirst().map { $0.summary.value[0].simpleValue } == [2.5, 1.25, 0.625])
  }

  /// Bytes are compared, checksums among them.
  @Test func recordsAreWrittenAsTensorBoardWritesThem() throws {
    try write(
      [.evaluation(.init(step: 1, loss: 2.5, metrics: [], tokens: 1, seconds: 1))], resumedStep: 0)
    let name = try #require(directory.names().first)
    let written = try MappedFile(path: directory.path + "/" + name).withBytes { Array($0) }
    let folder = try #require(Bundle.module.resourceURL)
    let theirs = try MappedFile(path: folder.appending(path: "Fixtures/events.tfevents").path)
      .withBytes { Array($0) }
    // The first record: 8 bytes of length, 4 of checksum, 24 of the event, whose time alone differs.
    #expect(written[0..<12] == theirs[0..<12])
    #expect(written[21..<36] == theirs[21..<36])
  }

  @Test func stepsAndEvaluationsAreScalarsOfTheUsualNames() throws {
    let metrics = [MetricValue("accuracy", 0.5)]
    try write(
      [step(7), .evaluation(.init(step: 7, loss: 3, metrics: metrics, tokens: 1, seconds: 1))],
      resumedStep: 0)
    let values = try events().flatMap { event in
      event.summary.value.map { "\($0.tag) \($0.simpleValue) at \(event.step)" }
    }
    #expect(
      values == [
        "train/loss 2.0 at 7", "train/gradient_norm 0.5 at 7", "train/learning_rate 0.25 at 7",
        "throughput/tokens_per_second 8.0 at 7", "validation/loss 3.0 at 7",
        "validation/accuracy 0.5 at 7",
      ])
  }

  @Test func aResumedRunLeavesNoStepTwice() throws {
    try write((1...5).map { step($0, loss: 1) }, resumedStep: 0)
    try write((4...6).map { step($0, loss: 2) }, resumedStep: 3)
    try write((5...8).map { step($0, loss: 3) }, resumedStep: 4)
    #expect(try directory.names().count == 3)
    #expect(try steps(of: "train/loss") == Array(1...8))
    let losses = try events().flatMap(\.summary.value).filter { $0.tag == "train/loss" }
    #expect(losses.map(\.simpleValue) == [1, 1, 1, 2, 3, 3, 3, 3])
    // For a TensorBoard that is running and has read steps 5 and 6 of the second file.
    #expect(try events().filter { $0.sessionLog.status == .start }.map(\.step) == [4, 5])
  }

  @Test func aRunThatGoesOnHasNotEnded() throws {
    let summary = RunSummary(
      steps: 2, tokens: 1, loss: 2, parametersSHA256: "", tokensPerSecond: 1, seconds: 1, ranks: 1,
      threads: 1, parameters: 1)
    try write([step(1), step(2), .finished(summary)], resumedStep: 0)
    try write([], resumedStep: 2, isComplete: true)
    #expect(try steps(of: "final/loss") == [2])
    try write([step(3)], resumedStep: 2)
    #expect(try steps(of: "train/loss") == [1, 2, 3])
    #expect(try steps(of: "final/loss").isEmpty)
    #expect(try steps(of: "_hparams_/session_end_info").isEmpty)
  }

  @Test func aRunThatBeginsAnewRemovesWhatWasThere() throws {
    try write((1...5).map { step($0) }, resumedStep: 0)
    try write([step(1)], resumedStep: 0)
    #expect(try steps(of: "train/loss") == [1])
  }

  /// As a killed process or a full disk leaves it.
  @Test(arguments: [1, 11, 13, 40]) func aTornRecordIsRemoved(byteCount: Int) throws {
    try write((1...3).map { step($0) }, resumedStep: 0)
    let path = directory.path + "/" + (try directory.names()[0])
    let bytes = try MappedFile(path: path).withBytes { Array($0) }
    let last = try MappedFile(path: path).withBytes { EventRecords($0).places }
    try Data(bytes[..<(last[last.count - 2].end + byteCount)]).write(to: URL(fileURLWithPath: path))
    try write([step(3)], resumedStep: 2)
    #expect(try steps(of: "train/loss") == [1, 2, 3])
  }

  @Test func aRecordThatIsCutLeavesNothingAndNoRecordFollows() throws {
    let reporter = try TensorBoardReporter(directory: directory.path, resumedStep: 0)
    try reporter.receive(step(1))
    let path = directory.path + "/" + (try directory.names()[0])
    let count = FullFile.length(of: path)
    let length = try FullFile.fill(path, leaving: 9)
    #expect(throws: FileError.self) { try reporter.receive(step(2)) }
    #expect(FullFile.length(of: path) == length)
    try FullFile.setLength(of: path, to: count)
    #expect(throws: FileError.self) { try reporter.receive(step(3)) }
    #expect(FullFile.length(of: path) == count)
    #expect(try steps(of: "train/loss") == [1])
  }

  @Test func aFileThatCouldNotBeBegunIsNotTriedAgain() throws {
    let reporter = try TensorBoardReporter(directory: directory.path, resumedStep: 0)
    try FileManager.default.removeItem(atPath: directory.path)
    #expect(throws: FileError.self) { try reporter.receive(step(1)) }
    try FileManager.default.createDirectory(
      atPath: directory.path, withIntermediateDirectories: false)
    #expect(throws: FileError.self) { try reporter.receive(step(2)) }
    #expect(try directory.names().isEmpty)
  }

  @Test func aDamagedRecordEndsTheFile() throws {
    try write((1...3).map { step($0) }, resumedStep: 0)
    let path = directory.path + "/" + (try directory.names()[0])
    var bytes = try MappedFile(path: path).withBytes { Array($0) }
    let places = try MappedFile(path: path).withBytes { EventRecords($0).places }
    bytes[places[2].end - 6] ^= 1
    let found = bytes.withUnsafeBytes { EventRecords($0).places }
    #expect(found == Array(places[..<2]))
  }

  @Test func aSampleThatIsAPictureIsShown() throws {
    let picture = GrayImage(width: 2, height: 1, pixels: [0, 255])
    let sample = SamplesRecord.Sample(
      kind: .input, input: "image 0", text: "Bag", reference: "Coat", image: picture)
    try write([.samples(.init(step: 3, samples: [sample]))], resumedStep: 0)
    let values = try #require(events().last?.summary.value)
    #expect(values.map(\.tag) == ["samples/1", "sample images/1"])
    #expect(values[1].metadata.pluginData.pluginName == "images")
    #expect(
      values[1].tensor.stringVal.map(Array.init) == [Array("2".utf8), Array("1".utf8), picture.png])
  }

  @Test func samplesAreShownAsTheyAre() throws {
    let sample = SamplesRecord.Sample(
      kind: .prompt, input: "</script><b>", text: "one\n```\n# two", reference: nil)
    try write([.samples(.init(step: 3, samples: [sample]))], resumedStep: 0)
    let value = try #require(events().last?.summary.value.first)
    #expect(value.tag == "samples/1" && value.metadata.pluginData.pluginName == "text")
    let text = String(decoding: value.tensor.stringVal[0], as: UTF8.self)
    // Every line of it is code.
    #expect(text.contains("    </script><b>") && text.contains("    one\n    ```\n    # two"))
  }

  @Test func hyperparametersAndTheEndAreThere() throws {
    var overview = RunOverview(
      mode: "", ranks: 1, threads: 1, parameterCount: 1, steps: 9, lines: [], runDirectory: nil)
    overview.hyperparameters = [
      .init("optimizer.learning_rate", .number(0.5)), .init("model.bias", .flag(true)),
      .init("model.architecture", .text("gpt")),
    ]
    let summary = RunSummary(
      steps: 9, tokens: 1, loss: 2, metrics: [.init("accuracy", 0.75)], parametersSHA256: "",
      tokensPerSecond: 1, seconds: 1, ranks: 1, threads: 1, parameters: 1)
    try write([.started(overview), .finished(summary)], resumedStep: 0)
    let found = try events().flatMap(\.summary.value).filter { $0.tag.hasPrefix("_hparams_/") }
      .map { try TensorBoardHParamsPluginData(serializedBytes: $0.metadata.pluginData.content) }
    let hparams = found[0].sessionStartInfo.hparams
    #expect(hparams["optimizer.learning_rate"]?.numberValue == 0.5)
    #expect(hparams["model.bias"]?.boolValue == true)
    #expect(hparams["model.architecture"]?.stringValue == "gpt")
    #expect(found[1].sessionEndInfo.status == .success)
    #expect(try steps(of: "final/accuracy") == [9])
  }
}
