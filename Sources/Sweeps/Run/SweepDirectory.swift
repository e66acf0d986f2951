import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepSettings
import LockstepTraining

/// A search's directory: the sweep, its trials' runs, what came of each, and the report.
///
///     sweep.yaml            the sweep, every key
///     trials/0007/          the run of trial 7, as `lockstep train` makes it
///     trials/0007.json      what came of it
///     sweep.json            the report
///     sweep.html            the report to look at
package struct SweepDirectory: Sendable {
  package let path: String

  package init(path: String) {
    self.path = path
  }

  private static let configurationName = "sweep.yaml"
  package var configurationPath: String { path + "/" + Self.configurationName }
  package var reportPath: String { path + "/" + Self.fileNames[1] }
  package var pagePath: String { path + "/" + Self.fileNames[2] }
  /// Files that are replaced as a whole.
  private static let fileNames = [configurationName, "sweep.json", "sweep.html"]

  package func runDirectory(of run: PlannedRun) -> RunDirectory {
    RunDirectory(path: path + "/" + run.name)
  }

  private func recordPath(of run: PlannedRun) -> String { path + "/" + run.name + ".json" }

  /// Makes the directory ready: creates it, or checks that what it holds may go on.
  ///
  /// - Parameter data: What is in the files of a run; nil: not known.
  /// - Returns: A lock that keeps other processes out, and what came of the runs before.
  /// - Throws: `ConfigurationError` where another sweep is there; `DataChangedError` where its runs
  ///   learned from other data, or began with other weights than those that have yet to begin; `SweepError`,
  ///   `RunDirectoryError`.
  package func prepare(
    for plan: SweepPlan, data: (RunConfiguration) -> DataRecord? = { _ in nil }, resume: Bool
  ) throws -> (lock: RunDirectoryLock, records: [RunRecord]) {
    let contents: [String]
    do throws(FileError) {
      // A sweep that was killed as it began may have left no more than these.
      contents = try FileSystem.namesIfAny(in: path).filter {
        $0 != ".lock" && !AtomicFile.isLeftover($0, of: Self.fileNames)
      }
    } catch {
      throw RunDirectoryError.notReadable(path: path, reason: error.reason)
    }
    if contents.contains(Self.configurationName) {
      guard resume else { throw SweepError.holdsSweep(path: path) }
      let text = try RunConfiguration.readText(path: configurationPath)
      try plan.configuration.requireSameSweep(
        as: .parse(yaml: text, source: configurationPath), storedIn: configurationPath)
      for run in plan.runs {
        let directory = runDirectory(of: run)
        guard try FileSystem.exists(directory.configurationPath) else { continue }
        // Trials are compared: all are of one length, and measured on the same data.
        try run.configuration.requireComparableRun(
          with: directory.configuration(), storedIn: directory.configurationPath)
        guard let record = data(run.configuration) else { continue }
        _ = try directory.requireSameData(
          record, whereChanged: run.configuration.data.changed)
      }
      let toBegin = try plan.runs.filter { run in
        // What diverged before its first checkpoint does not begin again.
        if let record = try record(of: run), !record.isOpen { return false }
        return try runDirectory(of: run).storedData() == nil
      }
      let weights = DataRecord.File.beginning(toBegin.map(\.configuration))
      for run in plan.runs where !weights.isEmpty {
        try runDirectory(of: run).requireSameBeginning(weights)
      }
    } else {
      guard contents.isEmpty else { throw SweepError.foreign(path: path) }
      guard !resume else { throw SweepError.nothingToResume(path: path) }
    }
    do {
      try FileSystem.makeDirectory(path)
      let lock = try RunDirectoryLock(path: path + "/.lock", of: path)
      try AtomicFile.removeLeftovers(of: Self.fileNames, in: path)
      let records = plan.runs.map { URL(fileURLWithPath: recordPath(of: $0)) }
      for (folder, records) in Dictionary(
        grouping: records, by: { $0.deletingLastPathComponent().path })
      {
        try AtomicFile.removeLeftovers(of: records.map(\.lastPathComponent), in: folder)
      }
      try AtomicFile.write(Array(plan.configuration.yaml().utf8), to: configurationPath)
      return (lock, try plan.runs.compactMap(record))
    } catch let error as FileError {
      throw RunDirectoryError.notWritable(path: path, reason: error.reason)
    }
  }

  /// What came of a run before; nil where nothing did.
  private func record(of run: PlannedRun) throws -> RunRecord? {
    let path = recordPath(of: run)
    guard try FileSystem.exists(path) else { return nil }
    let bytes = try MappedFile(path: path).withBytes { Array($0) }
    guard var record = try? RunRecord.decode(bytes).first else {
      throw SweepError.unreadable(path: path)
    }
    // Another disk, another day: it is tried again.
    if record.state == .failed { record.state = .stopped }
    return record
  }

  package func store(_ record: RunRecord, of run: PlannedRun) throws {
    try FileSystem.makeDirectory(FileSystem.parent(of: recordPath(of: run)))
    try AtomicFile.write(try RunRecord.encode([record]), to: recordPath(of: run))
  }
}

/// Why a search can not be made.
package enum SweepError: UserInputError, Equatable {
  case holdsSweep(path: String)
  /// There are files that no sweep made.
  case foreign(path: String)
  case nothingToResume(path: String)
  /// A file of the directory is damaged.
  case unreadable(path: String)
  case groups(Int, ranks: Int)
  /// The task does not measure what trials are to be compared by.
  case notMeasured(metric: String, measured: [String])
  /// `--set` on a key that every trial sets itself, on a section that has it, or on a key of a section that is set
  /// as a whole.
  case overridden(key: String, parameter: String)

  package var description: String {
    switch self {
    case .holdsSweep(let path):
      "\(path) already holds a sweep: add --resume to go on, or choose another --output"
    case .foreign(let path):
      "\(path) is not empty and holds no sweep: choose another --output"
    case .nothingToResume(let path):
      "\(path) holds no sweep to resume: leave out --resume to start one"
    case .unreadable(let path):
      "\(path) is damaged: remove it, and its run is looked at again"
    case .groups(let groups, let ranks):
      "--groups \(groups): expected a number from 1 to that of the ranks (\(ranks))"
    case .notMeasured(let metric, let measured):
      "metric: these runs do not measure \(metric); they measure \(measured.joined(separator: ", "))"
    case .overridden(let key, let parameter):
      "--set \(key): the sweep itself sets \(parameter) in every trial"
    }
  }
}
