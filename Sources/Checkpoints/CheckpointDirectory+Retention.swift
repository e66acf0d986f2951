import LockstepFiles
import LockstepParallelism

/// A checkpoint that was passed over, and why.
public struct SkippedCheckpoint: Error, Equatable, Sendable, CustomStringConvertible {
  /// The step in its name.
  public let step: Int
  /// Its directory.
  public let path: String
  /// What is wrong with it.
  public let reason: CheckpointError

  /// Which one, and why.
  public var description: String { "\(path) \(reason.verdict) (\(reason))" }
}

/// What a search for the newest complete checkpoint found.
public struct CheckpointSearch: Sendable {
  /// The newest complete one, or nil where there is none.
  public let found: Checkpoint?
  /// Newer ones that were passed over, newest first.
  public let skipped: [SkippedCheckpoint]
}

extension CheckpointDirectory {
  /// How closely a checkpoint is looked at before it counts as complete.
  public enum Verification: Sendable {
    /// The manifest is there, and all files have the lengths it gives.
    case sizes
    /// Also, all files have the hashes it gives: reads everything.
    case hashes
    /// Also, the files of these names have, where they are there.
    case hashesOf([String])
  }

  /// The newest complete checkpoint.
  ///
  /// - Parameters:
  ///   - limit: Only checkpoints of earlier steps than this are looked at. Default: all are.
  ///   - verification: `.hashes` by default: what follows is usually loading.
  ///   - threads: Share the hashing. Default: the caller's alone.
  /// - Throws: `CheckpointError.fileSystem` where the directory cannot be listed. One that does not
  ///   exist holds nothing.
  public func newestComplete(
    before limit: Int = .max, verification: Verification = .hashes,
    threads: ThreadPool = ThreadPool()
  ) throws(CheckpointError) -> CheckpointSearch {
    // Beside a run that goes on, checkpoints come and go: then the list is out of date.
    var tries = 0
    while true {
      tries += 1
      let isLast = tries >= Self.mostTries
      if let search = try search(before: limit, verification, threads, isLast: isLast) {
        return search
      }
    }
  }

  /// More than a run that goes on can need. Some network file systems list for a while what is gone.
  private static let mostTries = 64

  /// - Parameter isLast: Whether a checkpoint that is no longer there is passed over, like one that is not
  ///   complete.
  /// - Returns: Nil where a checkpoint of the list was no longer there when its turn came, unless `isLast`.
  private func search(
    before limit: Int, _ verification: Verification, _ threads: ThreadPool, isLast: Bool
  ) throws(CheckpointError) -> CheckpointSearch? {
    var skipped: [SkippedCheckpoint] = []
    for step in try steps().reversed() where step < limit {
      do throws(CheckpointError) {
        let checkpoint = try Checkpoint(path: path(ofStep: step))
        switch verification {
        case .sizes: break
        case .hashes: try checkpoint.verify(threads: threads)
        case .hashesOf(let names): try checkpoint.verify(names.contains, threads: threads)
        }
        return CheckpointSearch(found: checkpoint, skipped: skipped)
      } catch {
        let isGone = try !isThere(step)
        if isGone && !isLast { return nil }
        skipped.append(
          SkippedCheckpoint(step: step, path: path(ofStep: step), reason: error))
      }
    }
    return CheckpointSearch(found: nil, skipped: skipped)
  }

  /// Whether there is anything under the name of a step: a link that leads to nothing is.
  private func isThere(_ step: Int) throws(CheckpointError) -> Bool {
    try onDisk { () throws(FileError) in
      try FileSystem.exists(path(ofStep: step), followsLinks: false)
    }
  }

  /// Removes checkpoints that are older than the newest `keep` that verify.
  ///
  /// Others do not count: those among the newest stay for the user to look at. What can not be read,
  /// and may be whole, is never removed; what another process is reading is removed the next time.
  ///
  /// - Parameters:
  ///   - keep: How many that verify stay, at least 1.
  ///   - protectedStep: One more that stays however old it is, such as the best so far.
  /// - Returns: The steps whose checkpoints were removed.
  /// - Throws: `CheckpointError.fileSystem`.
  @discardableResult
  public func prune(keep: Int, protecting protectedStep: Int? = nil) throws(CheckpointError)
    -> [Int]
  {
    var verified: Set<Int> = []
    return try prune(keep: keep, protecting: protectedStep, trusting: &verified)
  }

  /// As the other.
  ///
  /// - Parameter verified: Steps whose checkpoints this process has written or verified before, and need
  ///   not hash again; grows.
  func prune(
    keep: Int, protecting protectedStep: Int?, trusting verified: inout Set<Int>
  ) throws(CheckpointError) -> [Int] {
    precondition(keep >= 1, "at least one checkpoint is kept, not \(keep)")
    let steps = try steps()
    var (keptCount, oldest) = (0, steps.endIndex)
    while keptCount < keep {
      // Fewer than are to be kept.
      if oldest == steps.startIndex { return [] }
      oldest -= 1
      if verifies(steps[oldest], trusting: &verified) { keptCount += 1 }
    }
    var removed: [Int] = []
    for step in steps[..<oldest] where step != protectedStep {
      if try remove(step) { removed.append(step) }
    }
    return removed
  }

  private func verifies(_ step: Int, trusting verified: inout Set<Int>) -> Bool {
    do throws(CheckpointError) {
      let checkpoint = try Checkpoint(path: path(ofStep: step))
      if !verified.contains(step) { try checkpoint.verify() }
      verified.insert(step)
      return true
    } catch {
      verified.remove(step)
      return false
    }
  }

  /// - Returns: Whether it was removed, neither read by others nor unreadable.
  private func remove(_ step: Int) throws(CheckpointError) -> Bool {
    do throws(CheckpointError) {
      _ = try Checkpoint(path: path(ofStep: step))
    } catch {
      guard error.isDamage else { return false }
    }
    var lock: FileLock?
    do throws(FileError) {
      lock = try .exclusive(path(ofStep: step) + "/" + Manifest.fileName)
      if lock == nil { return false }
    } catch {
      // Without a manifest nobody reads it; where files can not be locked, readers look again.
    }
    // A half-removed checkpoint must not look like one.
    let doomed = path + "/" + Self.removingPrefix + Self.name(ofStep: step)
    try onDisk { () throws(FileError) in
      try FileSystem.remove(doomed)
      try FileSystem.rename(path(ofStep: step), to: doomed)
      try FileSystem.remove(doomed)
    }
    // Until here, so that a reader that waits for it finds nothing.
    return withExtendedLifetime(lock) { true }
  }
}
