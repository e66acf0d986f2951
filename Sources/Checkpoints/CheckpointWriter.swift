import Dispatch
import LockstepFiles
import LockstepParallelism
import LockstepWeights

/// A checkpoint that became complete.
public struct WrittenCheckpoint: Equatable, Sendable {
  /// Optimiser steps taken.
  public let step: Int
  /// Its directory.
  public let path: String
  /// As `parametersSHA256(of:)` gives it for its parameters.
  public let parametersSHA256: String
  /// Bytes in all its files.
  public let byteCount: Int
  /// Seconds from the end of the copy, or from the beginning of a draft, until it was durable.
  public let seconds: Double
  /// Steps whose checkpoints were removed to make room.
  public let removedSteps: [Int]
}

/// Writes checkpoints behind the training loop's back.
///
/// `write(_:)` copies the tensors and returns; one background thread hashes, writes, renames and
/// prunes. Where there is no memory for a copy, it writes them from where they lie and returns when that is done. There is never more than one checkpoint under way: the next `write(_:)` waits for the
/// one before it. An error in the background is thrown by the next call of any method, once.
///
/// Memory: the copies take as much as the snapshot's tensors, and are kept from checkpoint to
/// checkpoint. They are made only where the host has so much and some to spare. Used from one thread.
public final class CheckpointWriter {
  private let directory: CheckpointDirectory
  private let retention: Retention
  private let queue = DispatchQueue(label: "lockstep.checkpoints", qos: .utility)
  private let staging = SnapshotBuffer()
  private let copies = SnapshotBuffer()
  private var job: BackgroundJob?
  private var written: [WrittenCheckpoint] = []
  /// Bytes that the host can give; nil: it does not say.
  package var availableMemory: () -> Int? = { MemoryRoom.available }

  /// Creates the directory where it is missing and clears what an earlier crash left there.
  ///
  /// - Parameters:
  ///   - keep: How many complete checkpoints stay, at least 1; nil keeps all.
  ///   - keepsBest: Whether that of the snapshot's `state.bestStep` stays too, however old.
  /// - Throws: `CheckpointError.fileSystem`, with `EACCES` where the directory is not writable.
  public init(
    directory: CheckpointDirectory, keep: Int? = nil, keepsBest: Bool = false
  ) throws(CheckpointError) {
    precondition(keep.map { $0 >= 1 } ?? true, "at least one checkpoint is kept")
    self.directory = directory
    retention = Retention(keep: keep, keepsBest: keepsBest)
    try directory.recover()
  }

  /// Takes the memory for snapshots now rather than at the first one: the training loop then grows
  /// no more, and its first checkpoint takes no longer than the next.
  ///
  /// - Parameters:
  ///   - copiedElementCount: Elements of a snapshot's tensors outside `stagingBuffer`.
  ///   - stagedElementCount: Elements in it. Default: 0.
  /// - Returns: Whether there is so much; if not, none is kept.
  /// - Throws: What went wrong with the checkpoint before.
  @discardableResult
  public func prepare(
    copiedElementCount: Int, stagedElementCount: Int = 0
  ) throws(CheckpointError) -> Bool {
    try waitForJob()
    if copies.reserve(copiedElementCount, available: availableMemory) != nil,
      staging.reserve(stagedElementCount, available: availableMemory) != nil
    {
      return true
    }
    for buffer in [copies, staging] { buffer.release() }
    return false
  }

  /// Memory in which the caller puts a snapshot together, for instance from the slices of other
  /// ranks. Tensors of a snapshot that lie in it are not copied once more.
  ///
  /// Waits for the checkpoint under way, which may be using it. Valid until the next call.
  ///
  /// - Parameter elementCount: How many elements are needed.
  /// - Returns: Nil where there is no memory for them.
  /// - Throws: What went wrong with the checkpoint before.
  public func stagingBuffer(
    elementCount: Int
  ) throws(CheckpointError) -> UnsafeMutableBufferPointer<Float>? {
    try waitForJob()
    return staging.reserve(elementCount, available: availableMemory)
  }

  /// Copies a snapshot and starts writing it, or writes it where there is no memory for a copy; the caller's
  /// tensors are free again on return.
  ///
  /// Waits for the checkpoint under way.
  ///
  /// - Throws: What went wrong with the checkpoint before; this one is then not begun. Where there is no copy, also
  ///   what went wrong with this one.
  public func write(_ snapshot: CheckpointSnapshot) throws(CheckpointError) {
    try waitForJob()
    if let copy = copy(of: snapshot) { start(copy) } else { try complete(begin(snapshot)) }
  }

  /// Begins a checkpoint that is written from where it lies, on the caller's thread: for the last
  /// of a run, and where there is no memory for a copy.
  ///
  /// Waits for the checkpoint under way.
  ///
  /// - Parameters:
  ///   - layouts: The optimiser state that will be appended to the draft, in this order.
  ///   - threads: Share the hashing and writing; nothing else may use them until the draft is complete.
  ///     Default: the caller's alone.
  /// - Throws: What went wrong with the checkpoint before, or with this one.
  public func begin(
    _ snapshot: CheckpointSnapshot, appending layouts: [TensorLayout] = [],
    threads: ThreadPool = ThreadPool()
  ) throws(CheckpointError) -> CheckpointDraft {
    try waitForJob()
    return try directory.begin(snapshot, appending: layouts, threads: threads)
  }

  /// Completes a checkpoint: it is durable on return.
  public func complete(_ draft: CheckpointDraft) throws(CheckpointError) {
    written.append(try Self.complete(draft, in: directory, retention: retention))
  }

  /// Checkpoints that became complete since this was last asked. Does not wait.
  ///
  /// - Throws: What went wrong with a checkpoint since the last call.
  public func takeWritten() throws(CheckpointError) -> [WrittenCheckpoint] {
    if let job, job.isDone { try waitForJob() }
    defer { written = [] }
    return written
  }

  /// Waits for the checkpoint under way.
  ///
  /// - Returns: Checkpoints that became complete since `takeWritten()` was last asked.
  /// - Throws: What went wrong with it.
  @discardableResult
  public func finish() throws(CheckpointError) -> [WrittenCheckpoint] {
    try waitForJob()
    return try takeWritten()
  }

  private func start(_ snapshot: CheckpointSnapshot) {
    let job = BackgroundJob()
    self.job = job
    // The buffers are captured so that they outlive the writer, should it go first.
    queue.async { [directory, retention, staging, copies] in
      withExtendedLifetime((staging, copies)) {
        job.complete(
          Result { () throws(CheckpointError) in
            // One thread: the others train.
            let draft = try directory.begin(snapshot, appending: [], threads: ThreadPool())
            return try Self.complete(draft, in: directory, retention: retention)
          })
      }
    }
  }

  private func waitForJob() throws(CheckpointError) {
    guard let job else { return }
    self.job = nil
    written.append(try job.wait().get())
  }

  /// Nil where there is no memory for one.
  private func copy(of snapshot: CheckpointSnapshot) -> CheckpointSnapshot? {
    let tensors = snapshot.parameters + snapshot.optimizerState
    let elementCount = tensors.reduce(0) { $0 + (staging.contains($1) ? 0 : $1.values.count) }
    guard let buffer = copies.reserve(elementCount, available: availableMemory) else { return nil }
    var offset = 0
    func relocate(_ tensor: TensorView) -> TensorView {
      if staging.contains(tensor) { return tensor }
      let end = offset + tensor.values.count
      defer { offset = end }
      let destination = UnsafeMutableBufferPointer(rebasing: buffer[offset..<end])
      UnsafeMutableRawBufferPointer(destination).copyMemory(from: tensor.bytes)
      return tensor.relocated(to: UnsafeBufferPointer(destination))
    }
    var copy = snapshot
    copy.parameters = snapshot.parameters.map(relocate)
    copy.optimizerState = snapshot.optimizerState.map(relocate)
    return copy
  }

  private static func complete(
    _ draft: CheckpointDraft, in directory: CheckpointDirectory, retention: Retention
  ) throws(CheckpointError) -> WrittenCheckpoint {
    let checkpoint = try draft.complete()
    var removedSteps: [Int] = []
    retention.verified.insert(checkpoint.step)
    if let keep = retention.keep {
      let best = retention.keepsBest ? draft.state.bestStep : nil
      removedSteps = try directory.prune(
        keep: keep, protecting: best, trusting: &retention.verified)
    }
    return WrittenCheckpoint(
      step: checkpoint.step, path: checkpoint.path,
      parametersSHA256: checkpoint.manifest.parametersSHA256,
      byteCount: checkpoint.manifest.files.reduce(0) { $0 + $1.bytes },
      seconds: (ContinuousClock.now - draft.beginning) / .seconds(1), removedSteps: removedSteps)
  }
}

/// What stays when a checkpoint is complete.
private final class Retention: @unchecked Sendable {
  // Sendable: one checkpoint at a time is completed, and the next waits for it.
  let keep: Int?
  let keepsBest: Bool
  /// Steps whose checkpoints were written here, or found to verify.
  var verified: Set<Int> = []

  init(keep: Int?, keepsBest: Bool) {
    self.keep = keep
    self.keepsBest = keepsBest
  }
}

/// One write in the background, and its outcome.
private final class BackgroundJob: @unchecked Sendable {
  // Sendable: `outcome` is written before the semaphore is raised and read after it is lowered.
  private let done = DispatchSemaphore(value: 0)
  private var outcome: Result<WrittenCheckpoint, CheckpointError>?

  func complete(_ outcome: Result<WrittenCheckpoint, CheckpointError>) {
    self.outcome = outcome
    done.signal()
  }

  var isDone: Bool {
    guard done.wait(timeout: .now()) == .success else { return false }
    done.signal()
    return true
  }

  func wait() -> Result<WrittenCheckpoint, CheckpointError> {
    done.wait()
    done.signal()
    guard let outcome else { preconditionFailure("a job is done when its outcome is known") }
    return outcome
  }
}
