import Foundation
import LockstepTraining

/// The supervisor's connection to a host: beats go both ways while the host lives.
package final class Lifeline {
  package enum Event { case lost, rankEnded }

  let host: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let heartbeat: Heartbeat
  private let begin = ContinuousClock.now
  private var lastHeard: ContinuousClock.Instant?
  private var isClear = false
  private let patience: Double
  /// What snapshots are there.
  package private(set) var snapshots: [ShardSummary] = []
  /// A message about them that has not come whole.
  private var message: [UInt8]?

  /// How long a host may take to answer first: ssh, or Slurm, has to get there.
  private static let firstPatience = Duration.seconds(20)

  /// Starts a keeper on a host.
  ///
  /// - Parameters:
  ///   - command: Starts it from here.
  ///   - patience: Seconds without a beat after which the host counts as lost.
  package init(to host: String, command: [String], patience: Double) throws {
    self.host = host
    self.patience = patience
    let writing = input.fileHandleForWriting.fileDescriptor
    DescriptorBytes.doNotBlock(writing)
    heartbeat = Heartbeat(to: writing)
    process.setCommand(command)
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // Else the job, which is started beside it, would hold the pipes open.
    for pipe in [input, output] {
      DescriptorBytes.closeOnExec(pipe.fileHandleForReading.fileDescriptor)
      DescriptorBytes.closeOnExec(pipe.fileHandleForWriting.fileDescriptor)
    }
    try process.run()
    try? input.fileHandleForReading.close()
    try? output.fileHandleForWriting.close()
    DescriptorBytes.doNotBlock(reading)
  }

  deinit { close() }

  /// The descriptor from which the keeper's beats are read.
  package var reading: Int32 { output.fileHandleForReading.fileDescriptor }
  private var writing: Int32 { input.fileHandleForWriting.fileDescriptor }

  /// The keeper has answered.
  var isUp: Bool { lastHeard != nil }

  /// Takes in what has come.
  package func tend() -> Event? {
    let now = ContinuousClock.now
    guard let bytes = DescriptorBytes.arrived(at: reading) else { return .lost }
    if bytes.contains(Keeper.Signal.beat.rawValue) { lastHeard = now }
    if bytes.contains(Keeper.Signal.clear.rawValue) { isClear = true }
    takeSnapshots(from: bytes)
    let limit = lastHeard == nil ? Self.firstPatience : .seconds(patience)
    if (lastHeard ?? begin).duration(to: now) > limit { return .lost }
    return bytes.contains(Keeper.Signal.rankEnded.rawValue) ? .rankEnded : nil
  }

  private func takeSnapshots(from bytes: [UInt8]) {
    for byte in bytes {
      switch byte {
      case Keeper.Signal.snapshots.rawValue: message = []
      case Keeper.Signal.end.rawValue:
        if let message {
          snapshots = ShardSummary.all(in: String(decoding: message, as: UTF8.self)) ?? snapshots
        }
        message = nil
      case 32...: message?.append(byte)
      default: break
      }
    }
  }

  /// Asks for the end of the job's processes there.
  func clear() {
    isClear = false
    DescriptorBytes.send([Keeper.Signal.clear.rawValue], to: writing)
  }

  /// Whether the keeper has said, since it was asked, that none is left.
  var hasCleared: Bool { isClear }

  /// Lets the host go. Its keeper ends what is left of the job.
  func close() {
    heartbeat.stop()
    try? input.fileHandleForWriting.close()
    // The connection of a host that is gone would wait for minutes.
    if process.isRunning && lastHeard.map({ $0.duration(to: .now) > .seconds(1) }) ?? true {
      process.terminate()
    }
  }
}
