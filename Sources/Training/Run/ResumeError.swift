import LockstepCheckpoints
import LockstepSettings

/// Why a run can not go on from its checkpoints. Nothing has been changed.
public enum ResumeError: UserInputError, Equatable {
  /// The run has checkpoints, and none of them can be read; newest first.
  case nothingReadable([SkippedCheckpoint])
  /// A checkpoint may be whole, but can not be read here; the run would go on from the step of an older
  /// one, and replace what it holds.
  case unread(SkippedCheckpoint, older: Int)
  /// The directory of checkpoints can not be listed, or a part of a complete checkpoint not be
  /// understood.
  case unreadable(CheckpointError)
  /// The checkpoint whose `state.json` this is belongs to a run of another plan.
  case otherPlan(path: String)

  /// Runs what reads checkpoints. Writing them fails for other reasons than the user's.
  ///
  /// - Parameter state: The `state.json` whose notes are read, where they are.
  static func reading<Result>(
    notesOf state: String? = nil, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let error as CheckpointError {
      throw ResumeError.unreadable(error)
    } catch let error as DescriptionError {
      guard let state else { throw error }
      throw ResumeError.unreadable(.malformed(path: state, problem: "notes.\(error)"))
    }
  }

  public var description: String {
    switch self {
    case .nothingReadable(let skipped):
      ([
        "none of the run's \(skipped.count == 1 ? "" : "\(skipped.count) ")checkpoints can be read:"
      ]
        + skipped.map { "  \($0)" } + [
          "  nothing was changed: make one of them readable, or start anew with another --output"
        ]).joined(separator: "\n")
    case .unread(let checkpoint, let older):
      "\(checkpoint), and may be whole: \(remedy(checkpoint)), or move it elsewhere to go on from "
        + "step \(older)"
    case .unreadable(let error): error.description
    case .otherPlan(let path):
      "\(path): the checkpoint was made by another plan, or by a Lockstep whose plans have other keys: go on with the "
        + "plan and the Lockstep that made it, or begin a new run in another directory"
    }
  }

  private func remedy(_ checkpoint: SkippedCheckpoint) -> String {
    if case .unsupportedVersion = checkpoint.reason {
      "go on with the Lockstep that wrote it"
    } else {
      "make it readable"
    }
  }
}

extension CheckpointSearch {
  /// The checkpoint that a run goes on from; nil where there is none at all.
  ///
  /// - Throws: `ResumeError` where going on would lose steps without need: damaged checkpoints may be
  ///   passed over, those that only can not be read may not.
  func resumable() throws(ResumeError) -> Checkpoint? {
    guard let found else {
      if skipped.isEmpty { return nil }
      throw .nothingReadable(skipped)
    }
    if let unread = skipped.first(where: { !$0.reason.isDamage }) {
      throw .unread(unread, older: found.step)
    }
    return found
  }
}
