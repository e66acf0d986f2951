import Foundation
import LockstepCommunication
import LockstepTraining
import Testing

/// A step that is taken again, where the run's files are no longer what they were.
@Suite struct StepReplayTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Trains a plane whose table is named by its way from `directory`, whichever that is.
  private func run(from directory: String) throws -> RunDirectory {
    let table = try folder.writeTable(rows: 40)
    let toRoot = String(repeating: "../", count: 40)
    let configuration = try RunConfiguration.parse(
      yaml: """
        task: regression
        directory: \(directory)
        data: {format: csv, train: \(toRoot)\(table.dropFirst()), validation: null, target: y}
        model: {architecture: linear}
        steps: 3
        schedule: {name: constant}
        evaluate: {every: 0}
        """, source: "test")
    let path = folder.path + "/run"
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "test",
      directory: RunDirectory(path: path), resume: false, threads: 1)
    try run.attach(console: .quiet)
    _ = try run.run(until: StopRequest())
    return RunDirectory(path: path)
  }

  @Test func changedDataAreRefusedWithoutAWayThatAReplayHasNot() throws {
    let run = try run(from: folder.path)
    _ = try folder.writeTable(rows: 41)
    let error = #expect(throws: DataChangedError.self) {
      try StepReplay(run: run, step: 2).compare()
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("data.train: ") && text.contains("put the old data back"), "\(text)")
    #expect(!text.contains("--set") && !text.contains("--output"), "\(text)")
  }

  @Test func aRunThatWasMovedIsReplayedFromHere() throws {
    let old = folder.path + "/old"
    try FileManager.default.createDirectory(atPath: old, withIntermediateDirectories: true)
    let run = try run(from: old)
    try FileManager.default.removeItem(atPath: old)
    #expect(try StepReplay(run: run, step: 2).compare().isEqual)
  }
}
