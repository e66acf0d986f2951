import Foundation
import LockstepFiles
import LockstepParallelism
import LockstepWeights

/// A run's checkpoints: `checkpoints/step-00000250`, `step-00000500`, …
///
/// A checkpoint is built under another name and renamed when it is complete and on disk; so is one
/// that gives way to another of the same step, and one that is removed. Whatever a crash leaves
/// starts with a dot, and `recover()` puts it right. One process at a time may write here.
public struct CheckpointDirectory: Sendable {
  /// The directory that holds the checkpoints.
  public let path: String
  /// Whether checkpoints that are written here are encrypted, with the process's key (`EncryptedFiles`).
  /// Default: no. Those that are read may be either.
  package var encrypts = false

  /// Names a directory that need not exist yet.
  public init(path: String) {
    self.path = path
  }

  /// Where the checkpoint of a step is, or would be.
  public func path(ofStep step: Int) -> String {
    path + "/" + Self.name(ofStep: step)
  }

  /// Steps for which there is a checkpoint, complete or not, ascending. Empty where the directory
  /// does not exist.
  public func steps() throws(CheckpointError) -> [Int] {
    try onDisk { () throws(FileError) in
      try FileSystem.namesIfAny(in: path).compactMap { Self.step(ofName: $0) }.sorted()
    }
  }

  /// Creates the directory where it is missing, and puts right what an earlier crash left: parts
  /// are removed, and a complete checkpoint that was about to be replaced gets its name back.
  ///
  /// - Throws: `CheckpointError.fileSystem`, with `EACCES` where the directory is not writable.
  public func recover() throws(CheckpointError) {
    try onDisk { () throws(FileError) in
      try FileSystem.makeDirectory(path)
      for name in try FileSystem.names(in: path) {
        if let step = Self.step(ofName: name, prefix: Self.replacedPrefix),
          !FileSystem.isDirectory(path(ofStep: step))
        {
          try FileSystem.rename(path + "/" + name, to: path(ofStep: step))
        } else if Self.transientPrefixes.contains(where: name.hasPrefix) {
          try FileSystem.remove(path + "/" + name)
        }
      }
    }
  }

  /// Writes a checkpoint and makes it durable; returns when it is complete.
  ///
  /// A checkpoint of the same step is replaced.
  ///
  /// - Parameter threads: Share the hashing and writing. Default: the caller's alone.
  /// - Throws: `CheckpointError.fileSystem`, with `ENOSPC` when the disk is full. Nothing of the
  ///   new checkpoint stays behind then; an older one of the same step stays.
  @discardableResult
  public func write(
    _ snapshot: CheckpointSnapshot, threads: ThreadPool = ThreadPool()
  ) throws(CheckpointError) -> Checkpoint {
    try begin(snapshot, appending: [], threads: threads).complete()
  }

  /// Begins a checkpoint whose optimiser state, or more of it, is appended to the draft.
  ///
  /// - Throws: As `write`.
  func begin(
    _ snapshot: CheckpointSnapshot, appending layouts: [TensorLayout], threads: ThreadPool
  ) throws(CheckpointError) -> CheckpointDraft {
    try CheckpointDraft(snapshot, appending: layouts, to: self, threads: threads)
  }

  /// Where the checkpoint of a step is while it is written.
  func temporaryPath(ofStep step: Int) -> String {
    path + "/" + Self.writingPrefix + Self.name(ofStep: step)
  }

  /// Gives a complete checkpoint its name, in place of an older one of the same step.
  func publish(_ temporaryPath: String, step: Int) throws(CheckpointError) {
    let replacedPath = path + "/" + Self.replacedPrefix + Self.name(ofStep: step)
    try onDisk { () throws(FileError) in
      // Also what is no checkpoint, as a link that leads to nothing: it would be in the way.
      if try FileSystem.exists(path(ofStep: step), followsLinks: false) {
        try FileSystem.remove(replacedPath)
        try FileSystem.rename(path(ofStep: step), to: replacedPath)
      }
      do throws(FileError) {
        try FileSystem.rename(temporaryPath, to: path(ofStep: step))
      } catch {
        try? FileSystem.rename(replacedPath, to: path(ofStep: step))
        throw error
      }
      try FileSystem.synchronize(directory: path)
      try FileSystem.remove(replacedPath)
    }
  }
}

// MARK: - Names

extension CheckpointDirectory {
  static let writingPrefix = ".writing-"
  static let removingPrefix = ".removing-"
  static let replacedPrefix = ".replaced-"
  private static let transientPrefixes = [writingPrefix, removingPrefix, replacedPrefix]

  /// `step-00000250`: eight digits, more where needed.
  static func name(ofStep step: Int) -> String {
    precondition(step >= 0, "steps are counted from 0, not \(step)")
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  /// The step of a name as `name(ofStep:)` makes it, behind an optional prefix; otherwise nil.
  static func step(ofName name: String, prefix: String = "") -> Int? {
    guard name.hasPrefix(prefix + "step-"),
      let step = Int(name.dropFirst(prefix.count + 5)), step >= 0,
      prefix + Self.name(ofStep: step) == name
    else { return nil }
    return step
  }
}
