import LockstepFiles

/// A checkpoint that was passed over, and why.
public struct SkippedCheckpoint: Error, Equatable, Sendable {
  /// The step in its name.
  public let step: Int
  /// Its directory.
  public let path: String
  /// What is wrong with it.
  public let reason: CheckpointError
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
    /// Also, all files have the hashes it gives: reads everything, at 1 to 2 GB/s.
    case hashes
  }

  /// The newest complete checkpoint.
  ///
  /// - Parameters:
  ///   - limit: Only checkpoints of earlier steps than this are looked at. Default: all are.
  ///   - verification: `.hashes` by default: what follows is usually loading.
  /// - Throws: `CheckpointError.fileSystem` where the directory cannot be listed. One that does not
  ///   exist holds nothing.
  public func newestComplete(
    before limit: Int = .max, verification: Verification = .hashes
  ) throws(CheckpointError) -> CheckpointSearch {
    var skipped: [SkippedCheckpoint] = []
    for step in try steps().reversed() where step < limit {
      do throws(CheckpointError) {
        let checkpoint = try Checkpoint(path: path(ofStep: step))
        if verification == .hashes { try checkpoint.verify() }
        return CheckpointSearch(found: checkpoint, skipped: skipped)
      } catch {
        skipped.append(
          SkippedCheckpoint(step: step, path: path(ofStep: step), reason: error))
      }
    }
    return CheckpointSearch(found: nil, skipped: skipped)
  }

  /// Removes checkpoints that are older than the newest `keep` complete ones.
  ///
  /// Incomplete ones do not count; those among the newest stay for the user to look at.
  ///
  /// - Parameters:
  ///   - keep: How many complete ones stay, at least 1.
  ///   - protectedStep: One more that stays however old it is, such as the best so far.
  /// - Returns: The steps whose checkpoints were removed.
  /// - Throws: `CheckpointError.fileSystem`.
  @discardableResult
  public func prune(keep: Int, protecting protectedStep: Int? = nil) throws(CheckpointError)
    -> [Int]
  {
    precondition(keep >= 1, "at least one checkpoint is kept, not \(keep)")
    let steps = try steps()
    let complete = steps.filter { (try? Checkpoint(path: path(ofStep: $0))) != nil }
    guard complete.count >= keep else { return [] }
    let oldestKept = complete[complete.count - keep]
    let removed = steps.filter { $0 < oldestKept && $0 != protectedStep }
    for step in removed {
      // A half-removed checkpoint must not look like one.
      let doomed = path + "/" + Self.removingPrefix + Self.name(ofStep: step)
      try onDisk { () throws(FileError) in
        try FileSystem.remove(doomed)
        try FileSystem.rename(path(ofStep: step), to: doomed)
        try FileSystem.remove(doomed)
      }
    }
    return removed
  }
}
