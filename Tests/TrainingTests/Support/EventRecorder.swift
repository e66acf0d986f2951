import Foundation
import LockstepReporting

/// Keeps the events of a run.
final class EventRecorder: RunObserver {
  private(set) var events: [RunEvent] = []

  func receive(_ event: RunEvent) { events.append(event) }

  /// "step 1", "evaluation 15" and so on.
  var names: [String] {
    events.compactMap { event -> String? in
      switch event {
      case .started: "started"
      case .step(let record): "step \(record.step)"
      case .evaluation(let record): "evaluation \(record.step)"
      case .samples(let record): "samples \(record.step)"
      // Where the time went is told by the clock.
      case .ranks, .distributions: nil
      case .checkpoint(let record): "checkpoint \(record.step)"
      case .notice(let text): "notice \(text)"
      case .stopped(_, let step): "stopped \(step)"
      case .finished: "finished"
      }
    }
  }
}

/// A folder of its own for one test, removed with it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-training-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
