import Foundation
import LockstepCheckpoints
import LockstepFiles
import LockstepReporting
import LockstepSettings

/// A run's directory: its resolved configuration, metrics, summary and checkpoints.
///
/// Only rank zero touches it.
public struct RunDirectory: Sendable {
  public let path: String

  public init(path: String) {
    self.path = path
  }

  /// Where the results of a file go unless someone says otherwise: `runs/` and its name; `runs/stdin`
  /// for what is read from standard input, `runs/pipe` for what another program writes.
  public static func defaultPath(for file: String) -> String {
    "runs/"
      + (FileContents.name(ofDescriptor: file)
        ?? URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent)
  }

  static let configurationName = "config.yaml"
  public var configurationPath: String { path + "/" + Self.configurationName }
  public var metricsPath: String { path + "/metrics.jsonl" }
  /// Of event files for TensorBoard.
  public var tensorBoardPath: String { path + "/tensorboard" }
  /// What `--profile` writes.
  public var tracePath: String { path + "/trace.json" }
  private static let summaryName = "summary.json"
  public var summaryPath: String { path + "/" + Self.summaryName }
  /// Files that are replaced as a whole.
  private static let fileNames = [configurationName, DataRecord.fileName, summaryName]
  static let checkpointsName = "checkpoints"
  public var checkpoints: CheckpointDirectory {
    CheckpointDirectory(path: path + "/" + Self.checkpointsName)
  }

  /// The configuration that the run was started with.
  ///
  /// - Throws: `ConfigurationError`.
  public func configuration() throws(ConfigurationError) -> RunConfiguration {
    try RunConfiguration.load(path: configurationPath)
  }

  /// What the run came to; nil where it has not ended, or has gone on since: where a checkpoint is of a later step.
  ///
  /// - Throws: `SummaryError`, `FileError`, `CheckpointError`.
  public func summary() throws -> RunSummary? {
    guard try FileSystem.exists(summaryPath) else { return nil }
    let summary = try RunSummary.load(from: summaryPath)
    let newest = try checkpoints.steps().last ?? summary.steps
    return newest > summary.steps ? nil : summary
  }

  /// The training loss that `metrics.jsonl` has for a step; nil where it has none.
  ///
  /// - Throws: `MetricsError`.
  func recordedLoss(ofStep step: Int) throws -> Double? {
    struct Line: Decodable {
      let step: Int
      let loss: Double
    }
    let decoder = JSONFormat.decoder
    return try MetricsFile.lines(of: metricsPath).reversed().lazy
      .compactMap { try? decoder.decode(Line.self, from: $0) }
      .first { $0.step == step }?.loss
  }

  /// Names in the directory, none where it is not there, without what a run that was killed as it began
  /// may have left.
  ///
  /// - Throws: `RunDirectoryError.notReadable`.
  func contents() throws(RunDirectoryError) -> [String] {
    do throws(FileError) {
      return try FileSystem.namesIfAny(in: path).filter {
        $0 != ".lock" && !AtomicFile.isLeftover($0, of: Self.fileNames)
      }
    } catch {
      throw .notReadable(path: path, reason: error.reason)
    }
  }

  /// Makes the directory ready for a run: creates it, or checks that what it holds may go on.
  ///
  /// - Parameters:
  ///   - configuration: What is to be run; written to `config.yaml`, below what runs it.
  ///   - data: What is to be learned from; written to `data.json`. Default: not known.
  ///   - resume: Whether a run that is there already is to go on.
  ///   - patience: How long another process that holds the lock is waited for. Default: not at all.
  /// - Returns: A lock that keeps other processes out while it is held, and what the user should
  ///   know.
  /// - Throws: `ConfigurationError` where another configuration is there; `DataChangedError` where
  ///   the run learned from other data; `RunDirectoryError`.
  public func prepare(
    for configuration: RunConfiguration, data: DataRecord? = nil, resume: Bool,
    patience: LockPatience? = nil
  ) throws -> (lock: RunDirectoryLock, notices: [String]) {
    var notices: [String] = []
    let contents = try contents()
    if contents.contains(Self.configurationName) {
      try configuration.requireSameRun(as: self.configuration(), storedIn: configurationPath)
      let steps = try ResumeError.reading { try checkpoints.steps() }
      guard resume || steps.isEmpty else {
        throw RunDirectoryError.holdsRun(path: path, step: steps.last ?? 0)
      }
      if let data {
        notices = try requireSameData(data, whereChanged: configuration.data.changed)
      }
    } else {
      guard contents.isEmpty else { throw RunDirectoryError.foreign(path: path) }
      guard !resume else { throw RunDirectoryError.nothingToResume(path: path) }
    }
    do {
      try FileSystem.makeDirectory(path)
      let lock = try RunDirectoryLock(
        path: path + "/.lock", of: path, patience: patience)
      try AtomicFile.removeLeftovers(of: Self.fileNames, in: path)
      let text = Provenance.current.comment + configuration.yaml()
      try AtomicFile.write(Array(text.utf8), to: configurationPath)
      if let data { try AtomicFile.write(try data.json(), to: path + "/" + DataRecord.fileName) }
      return (lock, notices)
    } catch let error as FileError {
      throw RunDirectoryError.notWritable(path: path, reason: error.reason)
    }
  }
}

extension RunDirectory {
  /// Claims the directory for a run that no configuration describes, and creates it where it is missing.
  ///
  /// - Parameter isNew: Whether the run begins: there may be no checkpoints of another one then.
  /// - Returns: A lock that keeps other processes out while it is held.
  /// - Throws: `RunDirectoryError`; `ResumeError` where the checkpoints can not be listed.
  func claim(forNewRun isNew: Bool) throws -> RunDirectoryLock {
    do throws(FileError) {
      try FileSystem.makeDirectory(path)
    } catch {
      throw RunDirectoryError.notWritable(path: path, reason: error.reason)
    }
    let lock = try RunDirectoryLock(path: path + "/.lock", of: path)
    if isNew, let step = try ResumeError.reading({ try checkpoints.steps().last }) {
      throw RunDirectoryError.holdsCheckpoints(path: path, step: step)
    }
    return lock
  }
}

/// Why a directory can not take a run.
public enum RunDirectoryError: UserInputError, Equatable {
  /// A run of this configuration is there, with checkpoints up to this step.
  case holdsRun(path: String, step: Int)
  /// A new run was to begin where there are checkpoints up to this step.
  case holdsCheckpoints(path: String, step: Int)
  /// There are files that no run made.
  case foreign(path: String)
  case nothingToResume(path: String)
  case notWritable(path: String, reason: String)
  case notReadable(path: String, reason: String)
  /// Another process is training there.
  case inUse(path: String)

  public var description: String {
    switch self {
    case .holdsRun(let path, let step):
      "\(path) already holds this run, saved at step \(step): add --resume to go on, or choose another --output"
    case .holdsCheckpoints(let path, let step):
      "\(path) already holds a run, saved at step \(step): go on with it by start: .newestCheckpoint, or give the "
        + "new run another directory"
    case .foreign(let path):
      "\(path) is not empty and holds no run: choose another --output"
    case .nothingToResume(let path):
      "\(path) holds no run to resume: leave out --resume to start one"
    case .notWritable(let path, let reason):
      "\(path) can not be written: \(reason)"
    case .notReadable(let path, let reason):
      "\(path) can not be listed: \(reason)"
    case .inUse(let path):
      "\(path) is in use by another process that trains there: wait for it, or choose another --output"
    }
  }
}
