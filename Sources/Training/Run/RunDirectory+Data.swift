import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepParallelism

extension RunDirectory {
  /// What the newest checkpoint says of the data that it learned from.
  ///
  /// - Returns: The record, nil where the checkpoint has none, being older than records are, and the
  ///   description of its samples, nil for texts. Nil where there is no checkpoint: nothing was
  ///   learned.
  /// - Throws: `ResumeError`, `LoadingError` or `DataRecordError` where what is there can not be read.
  package func storedData() throws -> (record: DataRecord?, samples: SampleDescription?)? {
    let samplesName = "samples.json"
    return try ResumeError.reading {
      let names = [DataRecord.fileName, samplesName]
      let search = try checkpoints.newestComplete(verification: .hashesOf(names))
      guard let checkpoint = search.found else { return nil }
      let samples = try checkpoint.file(named: samplesName).map {
        try SampleDescription(description: $0, path: checkpoint.path + "/" + samplesName)
      }
      let record = try checkpoint.file(named: DataRecord.fileName).map {
        try DataRecord(json: $0, path: checkpoint.path + "/" + DataRecord.fileName)
      }
      return (record, samples)
    }
  }

  /// The description of the samples that the run learned from; nil for texts, and where there is no
  /// checkpoint. Collective.
  ///
  /// - Throws: `AgreedError` where rank zero can not read the directory.
  func learnedSamples(_ communicator: any Communicator) throws -> SampleDescription? {
    try communicator.valueFromRankZero { try storedData()?.samples }
  }

  /// Where the run's relative paths start, as it recorded; nil where it did not, or there is no such
  /// directory: then the run was moved. Collective.
  package func recordedDirectory(_ communicator: any Communicator) throws -> String? {
    try communicator.valueFromRankZero {
      // Without a configuration there is no run, as `prepare` will say.
      guard try contents().contains(Self.configurationName),
        let recorded = try configuration().directory, FileSystem.isDirectory(recorded)
      else { return nil }
      return recorded
    }
  }

  /// Compares a run's data with what it learned from.
  ///
  /// - Parameters:
  ///   - data: What it is to go on with.
  ///   - policy: What holds for files whose content is another; nil: a step is to be taken again, which none of them
  ///     may have changed for.
  /// - Returns: What the user should know of it.
  /// - Throws: `DataChangedError` with everything that differs and is not accepted.
  package func requireSameData(
    _ data: DataRecord, whereChanged policy: ChangedData?
  ) throws -> [String] {
    guard let stored = try storedData() else { return [] }
    guard let record = stored.record else {
      return [
        "\(path) was saved by an earlier version, which did not record its data: they are taken to be the same"
      ]
    }
    let (changed, renamed) = data.differences(from: record)
    guard changed.isEmpty || policy == .accept && !changed.contains(where: \.isMeaningless) else {
      throw DataChangedError(run: path, differences: changed, isReplay: policy == nil)
    }
    return changed.map { "data.changed: accept: \($0.key): \($0.description)" }
      + renamed.map { "\($0): is evaluated on from here on; earlier losses are of other data" }
  }

  /// Refuses a run that began with other weights than runs that are compared with it would begin with.
  ///
  /// - Parameter found: Of the weights that such runs would begin with.
  /// - Throws: `DataChangedError`.
  package func requireSameBeginning(_ found: [DataRecord.File]) throws {
    guard let stored = try storedData()?.record else { return }
    let changed = DataRecord(files: found, tokenizer: stored.tokenizer).weightDifferences(
      from: stored)
    guard changed.isEmpty else {
      throw DataChangedError(run: path, differences: changed, isReplay: false)
    }
  }
}

extension DataRecord.File {
  /// The files of the weights that runs would begin with, on this rank alone. Weights that can not be opened are left
  /// out: the run itself says why.
  package static func beginning(_ configurations: [RunConfiguration]) -> [DataRecord.File] {
    var (seen, found): ([RunConfiguration], [DataRecord.File]) = ([], [])
    for configuration in configurations where configuration.model.from != nil {
      let isKnown = seen.contains {
        $0.model.from == configuration.model.from && $0.adapter == configuration.adapter
          && $0.directory == configuration.directory
      }
      guard !isKnown else { continue }
      seen.append(configuration)
      let files =
        (try? configuration.beginning(threads: ThreadPool(), SoloCommunicator()).record) ?? []
      let new = files.filter { file in
        !found.contains { $0.baseKey == file.baseKey && $0.path == file.path }
      }
      found += new
    }
    return found
  }
}
