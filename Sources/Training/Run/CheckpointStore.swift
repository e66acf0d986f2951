import Checkpoints
import Communication
import Foundation
import Optimization

/// Saves a run and brings it back, on any number of ranks.
///
/// Checkpoints hold whole tensors: the optimiser's state, of which each rank has its slice, is
/// gathered on rank zero and dealt out again. Only rank zero touches files; while training goes on it
/// writes in the background, from copies.
final class CheckpointStore {
  private let communicator: any Communicator
  private let replica: Replica
  private let optimizer: any Optimizer
  private let directory: CheckpointDirectory
  /// On rank zero only.
  private let writer: CheckpointWriter?
  private let files: [CheckpointSnapshot.File]

  /// - Parameters:
  ///   - keep: How many of the newest checkpoints stay; nil: the directory is only read, for
  ///     another process may be writing there.
  ///   - files: Go into every checkpoint beside the tensors.
  /// - Throws: `AgreedError` where rank zero can not write to the directory. Collective.
  init(
    directory: CheckpointDirectory, keep: Int?, files: [(name: String, bytes: [UInt8])],
    replica: Replica, optimizer: any Optimizer, communicator: any Communicator
  ) throws {
    self.communicator = communicator
    self.replica = replica
    self.optimizer = optimizer
    self.directory = directory
    self.files = files.map { CheckpointSnapshot.File(name: $0.name, bytes: $0.bytes) }
    writer = try communicator.agree {
      guard communicator.isRankZero, let keep else { return nil }
      return try CheckpointWriter(directory: directory, keep: keep)
    }
  }

  private var flatCount: Int { replica.parameters.flatCount }

  // MARK: - Saving

  /// Copies everything that a checkpoint needs and starts writing it. Collective.
  ///
  /// - Throws: `AgreedError` where rank zero can not write, this checkpoint or the one before.
  func saveInBackground(_ state: TrainingState) throws {
    let wholes = try wholeStates()
    try communicator.onRankZero {
      let moments = zip(optimizer.states, wholes).flatMap { state, whole in
        replica.parameters.views(of: whole, prefix: state.name + "/")
      }
      try writer?.write(snapshot(state, optimizerState: moments))
    }
  }

  /// Writes a checkpoint and returns when it is on disk. Nothing is copied: the optimiser's slices
  /// come from their ranks in chunks, which go into the file at once. Collective.
  ///
  /// - Throws: `AgreedError` where rank zero can not write, this checkpoint or the one before.
  func save(_ state: TrainingState) throws {
    let parameters = replica.parameters
    let draft = try communicator.agree {
      try writer?.begin(
        snapshot(state, optimizerState: []),
        appending: optimizer.states.flatMap { parameters.layouts(prefix: $0.name + "/") })
    }
    for state in optimizer.states {
      try communicator.agree {
        try communicator.gather(
          UnsafeBufferPointer(state.values), partition: replica.shared.partition
        ) { start, chunk in
          for part in parameters.parts(of: chunk, from: start) { try draft?.append(part) }
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
      parameters: replica.parameters.views(of: replica.values), optimizerState: optimizerState,
      state: state, files: files)
  }

  /// The optimiser's states as whole tensors, in flat buffers of rank zero; nothing on the others.
  /// Collective.
  private func wholeStates() throws -> [UnsafePointer<Float>] {
    let states = optimizer.states
    if communicator.size == 1 { return states.compactMap { UnsafePointer($0.values.baseAddress) } }
    let staging = try communicator.agree {
      try writer?.stagingBuffer(elementCount: states.count * flatCount).baseAddress
    }
    for (index, state) in states.enumerated() {
      try communicator.gather(
        UnsafeBufferPointer(state.values), partition: replica.shared.partition
      ) { start, chunk in
        guard let staging, let source = chunk.baseAddress else { return }
        (staging + index * flatCount + start).update(from: source, count: chunk.count)
      }
    }
    return staging.map { base in states.indices.map { UnsafePointer(base + $0 * flatCount) } } ?? []
  }

  /// Takes the memory for copies now, so that the first checkpoint does not have to. Rank zero.
  func prepareForBackgroundWriting() throws {
    let stateCount = optimizer.states.count * flatCount
    let isAlone = communicator.size == 1
    try writer?.prepare(
      copiedElementCount: flatCount + (isAlone ? stateCount : 0),
      stagedElementCount: isAlone ? 0 : stateCount)
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
  /// - Returns: What it says of the run, and on rank zero which newer ones were passed over; nil
  ///   where there is none.
  /// - Throws: `AgreedError` where rank zero can not read it.
  func restore(
    _ start: Trainer.Start
  ) throws -> (state: TrainingState, skipped: [SkippedCheckpoint])? {
    var found: Checkpoint?
    var skipped: [SkippedCheckpoint] = []
    let text = try communicator.fromRankZero {
      var limit = Int.max
      if case .before(let step) = start { limit = step }
      let search = try directory.newestComplete(before: limit)
      (found, skipped) = (search.found, search.skipped)
      return try found.map { Array(try JSONEncoder().encode($0.state())) } ?? []
    }
    guard !text.isEmpty else { return nil }
    let state = try communicator.agree {
      try JSONDecoder().decode(TrainingState.self, from: Data(text))
    }
    try communicator.onRankZero {
      guard let found else { return }
      try replica.parameters.read(from: found.model(), into: replica.values)
    }
    try replica.shared.broadcast()
    let reader = try communicator.agree { try found?.optimizerState() }
    for state in optimizer.states { try restore(state, from: reader) }
    return (state, skipped)
  }

  /// Deals out one of the optimiser's states. Collective.
  private func restore(_ state: OptimizerState, from reader: SafetensorsReader?) throws {
    var whole: [Float] = []
    try communicator.onRankZero {
      guard let reader else { return }
      whole = [Float](repeating: 0, count: flatCount)
      try whole.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        try replica.parameters.read(from: reader, into: base, prefix: state.name + "/")
      }
    }
    try communicator.scatter(into: state.values, partition: replica.shared.partition) {
      start, chunk in
      for index in chunk.indices { chunk[index] = whole[start + index] }
    }
  }
}
