import LockstepCheckpoints
import LockstepCommunication
import LockstepFiles
import LockstepOptimization
import LockstepParallelism
import LockstepWeights

/// Saves a run and brings it back, on any number of ranks.
///
/// Checkpoints hold whole tensors: the optimiser's state, of which each rank has its slice, is
/// gathered on rank zero and dealt out again. Only rank zero touches files; while training goes on it
/// writes in the background, from copies.
package final class CheckpointStore {
  private let communicator: any Communicator
  private let replica: Replica
  private let step: any OptimizationStep
  private let versions: WeightVersions
  private let directory: CheckpointDirectory
  /// On rank zero only.
  package let writer: CheckpointWriter?
  private let files: [CheckpointSnapshot.File]
  private let seed: UInt64
  private let configurationSHA256: String?
  /// Whether it has been said that there is no memory for copies.
  private var isShortageTold = false
  /// What is to be said next; nil: nothing.
  private var notice: String?

  /// - Parameters:
  ///   - keep: How many of the newest checkpoints stay; nil: the directory is only read, for
  ///     another process may be writing there.
  ///   - files: Go into every checkpoint beside the tensors.
  ///   - seed: The run's, which a checkpoint of it has, too.
  ///   - configurationSHA256: Likewise; nil: what the run is was compared already, by its configuration.
  /// - Throws: `AgreedError` where rank zero can not write to the directory. Collective.
  init(
    directory: CheckpointDirectory, keep: Int?, files: [(name: String, bytes: [UInt8])],
    seed: UInt64, configurationSHA256: String?, replica: Replica, step: any OptimizationStep,
    versions: WeightVersions, communicator: any Communicator
  ) throws {
    self.communicator = communicator
    self.replica = replica
    self.step = step
    self.versions = versions
    self.directory = directory
    self.seed = seed
    self.configurationSHA256 = configurationSHA256
    self.files = files.map { CheckpointSnapshot.File(name: $0.name, bytes: $0.bytes) }
    writer = try communicator.agree {
      guard communicator.isRankZero, let keep else { return nil }
      // Without a key a run is not begun.
      if directory.encrypts {
        _ = try EncryptedFiles.encryption(ofByteCount: 0, path: directory.path)
      }
      return try CheckpointWriter(directory: directory, keep: keep)
    }
  }

  /// All that is stored beside the parameters when so many steps are taken.
  private func states(afterStep step: Int) -> [OptimizerState] {
    self.step.states(afterStep: step) + versions.states
  }

  private var threads: ThreadPool { replica.workspace.threads }

  // MARK: - Saving

  /// Copies everything that a checkpoint needs and starts writing it; where there is no memory for copies, as
  /// `save`. Collective.
  ///
  /// - Throws: `AgreedError` where rank zero can not write, this checkpoint or the one before.
  func saveInBackground(_ state: TrainingState) throws {
    let states = states(afterStep: state.step)
    guard try hasMemoryForCopies(of: states) else { return try save(state) }
    let wholes = try wholes(of: states)
    try communicator.onRankZero {
      let moments = zip(states, wholes).flatMap { $0.views(of: $1) }
      try writer?.write(snapshot(state, optimizerState: moments))
    }
  }

  /// Writes a checkpoint and returns when it is on disk. Nothing is copied: the optimiser's slices
  /// come from their ranks in chunks, which go into the file at once. Collective.
  ///
  /// - Throws: `AgreedError` where rank zero can not write, this checkpoint or the one before.
  func save(_ state: TrainingState) throws {
    let states = states(afterStep: state.step)
    let isAlone = communicator.size == 1
    let own = isAlone ? zip(states, try wholes(of: states)).flatMap { $0.views(of: $1) } : []
    let draft = try communicator.agree {
      try writer?.begin(
        snapshot(state, optimizerState: own),
        appending: isAlone ? [] : states.flatMap(\.layouts), threads: threads)
    }
    for state in states where !isAlone {
      try communicator.agree {
        try communicator.gather(
          UnsafeBufferPointer(state.values), owners: state.owners
        ) { start, chunk in
          for part in state.parts(of: chunk, from: start) { try draft?.append(part) }
        }
      }
    }
    try communicator.onRankZero {
      if let draft { try writer?.complete(draft) }
    }
  }

  private func snapshot(
    _ state: TrainingState, optimizerState: [TensorView]
  ) -> CheckpointSnapshot {
    CheckpointSnapshot(
      parameters: replica.parameters.savedViews(of: replica.values),
      in: replica.parameters.savedFile, optimizerState: optimizerState, state: state, files: files)
  }

  /// The optimiser's states as whole tensors, in flat buffers of rank zero; nothing on the others.
  /// Collective.
  private func wholes(of states: [OptimizerState]) throws -> [UnsafePointer<Float>] {
    if communicator.size == 1 { return states.compactMap { UnsafePointer($0.values.baseAddress) } }
    let staging = try communicator.agree {
      try writer?.stagingBuffer(elementCount: states.reduce(0) { $0 + $1.elementCount })?
        .baseAddress
    }
    var wholes: [UnsafePointer<Float>] = []
    var end = staging
    for state in states {
      try communicator.gather(
        UnsafeBufferPointer(state.values), owners: state.owners
      ) { start, chunk in
        guard let end, let source = chunk.baseAddress else { return }
        (end + start).update(from: source, count: chunk.count)
      }
      if let place = end { wholes.append(UnsafePointer(place)) }
      end = end.map { $0 + state.elementCount }
    }
    return wholes
  }

  /// Takes the memory for copies now, if there is so much, so that the first checkpoint does not have to. Collective.
  ///
  /// - Parameter every: Optimiser steps from one checkpoint to the next.
  func prepareForBackgroundWriting(every: Int) throws {
    _ = try hasMemoryForCopies(of: states(afterStep: every))
  }

  /// Takes the memory for copies where it is not there yet.
  ///
  /// - Returns: Whether rank zero has it. Collective.
  private func hasMemoryForCopies(of states: [OptimizerState]) throws -> Bool {
    let stateCount = states.reduce(0) { $0 + $1.elementCount }
    let isAlone = communicator.size == 1
    let parameters = replica.parameters
    let savedCount = parameters.isAdapted ? parameters.trainedCount : parameters.flatCount
    let isThere = try communicator.valueFromRankZero {
      try writer?.prepare(
        copiedElementCount: savedCount + (isAlone ? stateCount : 0),
        stagedElementCount: isAlone ? 0 : stateCount) ?? true
    }
    guard !isThere else { return true }
    if !isShortageTold {
      let size = ByteCount.text(4 * Double(savedCount + stateCount))
      notice =
        "there is no memory for a copy of what a checkpoint holds (\(size)): training waits while checkpoints are "
        + "written; fewer batch.sequences, or fewer ranks on the host of rank 0, leave more"
      isShortageTold = true
    }
    return false
  }

  /// What is to be said of how checkpoints are written, once. The same on all ranks.
  func takeNotice() -> String? {
    defer { notice = nil }
    return notice
  }

  /// Checkpoints that became complete since this was last asked; rank zero only knows of them.
  func takeWritten() throws -> [WrittenCheckpoint] {
    try writer?.takeWritten() ?? []
  }

  /// Waits for the checkpoint under way. Collective.
  ///
  /// - Throws: `AgreedError` where it could not be written.
  func finish() throws -> [WrittenCheckpoint] {
    try communicator.agree { try finishOwn() }
  }

  /// Waits for the checkpoint under way, on this rank alone: for a run that ends with an error.
  func finishOwn() throws -> [WrittenCheckpoint] {
    try writer?.finish() ?? []
  }

  // MARK: - Resuming

  /// Loads the newest complete checkpoint into parameters and optimiser. Collective.
  ///
  /// - Parameter weights: Of the model that an adapter belongs to, of which a checkpoint holds nothing; rank zero's
  ///   count. Default: none.
  /// - Returns: What it says of the run, nil where there is none; and on rank zero which newer ones were
  ///   passed over.
  /// - Throws: `AgreedError` where rank zero can not read it; with `ResumeError` where a run would go on
  ///   without steps that it has taken.
  func restore(
    _ start: Trainer.Start, over weights: PretrainedWeights? = nil
  ) throws -> (state: TrainingState?, skipped: [SkippedCheckpoint]) {
    var found: Checkpoint?
    var skipped: [SkippedCheckpoint] = []
    let stored = try communicator.valueFromRankZero {
      try ResumeError.reading {
        let search: CheckpointSearch
        if case .before(let step) = start {
          // Whatever a replay starts from, it comes to the same: only later.
          search = try directory.newestComplete(before: step, threads: threads)
          found = search.found
        } else {
          search = try directory.newestComplete(threads: threads)
          found = try search.resumable()
        }
        skipped = search.skipped
        return try found?.state()
      }
    }
    guard let state = stored else { return (nil, skipped) }
    try communicator.agree {
      let path = statePath(ofStep: state.step)
      try ResumeError.reading(notesOf: path) {
        guard state.seed == seed else {
          throw CheckpointError.malformed(
            path: path,
            problem: "seed: found \(state.seed), expected \(seed), which the configuration says")
        }
        if let configurationSHA256, state.configurationSHA256 != configurationSHA256 {
          throw ResumeError.otherPlan(path: path)
        }
        try versions.beginResuming(from: state.notes)
      }
    }
    try communicator.onRankZero {
      guard let found else { return }
      if replica.parameters.isAdapted {
        try weights?.fill(replica.parameters, replica.values, threads: threads)
      }
      try replica.parameters.readSaved(
        from: found.model(), into: replica.values, threads: threads)
      try ResumeError.reading {
        try found.requireParameters(replica.parameters.savedViews(of: replica.values))
      }
    }
    try replica.shared.broadcast()
    let reader = try communicator.agree { try found?.optimizerState() }
    for stored in states(afterStep: state.step) { try restore(stored, from: reader) }
    try versions.finishResuming()
    return (state, skipped)
  }

  /// The step of the newest checkpoint, whole or not; nil where there is none, or none can be seen.
  /// Collective.
  func newestStep() throws -> Int? {
    let steps = communicator.isRankZero ? (try? directory.steps()) ?? [] : []
    let newest = try communicator.allGather([Double(steps.last ?? -1)])[0][0]
    return newest < 0 ? nil : Int(newest)
  }

  /// Where the state of a checkpoint is, also on ranks that have not read it.
  func statePath(ofStep step: Int) -> String {
    directory.path(ofStep: step) + "/" + Checkpoint.stateFileName
  }

  /// Deals out one of the states. Collective.
  private func restore(_ state: OptimizerState, from reader: SafetensorsReader?) throws {
    // All that may be wrong is seen before the ranks begin to wait for each other.
    let entries = try communicator.agree {
      try reader.map { reader in
        try state.tensors.map { try reader.readableEntry($0.name, shape: $0.shape) }
      }
    }
    try communicator.scatter(into: state.values, owners: state.owners) {
      start, chunk in
      guard let reader, let entries else { return }
      threads.run(over: chunk.count, grain: Self.leastElementsForAThread) { part in
        let place = UnsafeMutableBufferPointer(rebasing: chunk[part])
        let elements = start + part.lowerBound..<start + part.upperBound
        state.read(elements, from: reader, entries, into: place)
      }
    }
  }

  private static let leastElementsForAThread = 1 << 16
}
