import Foundation
import LockstepFiles
import LockstepReporting

/// Keeps other processes out of a run's directory. It ends with the process, however that ends.
public final class RunDirectoryLock {
  private let lock: FileLock

  /// - Parameters:
  ///   - path: Of the lock's file.
  ///   - run: What errors call the directory.
  ///   - patience: How long another process that holds it is waited for. Default: not at all.
  /// - Throws: `RunDirectoryError.inUse` where another process holds it, `.notWritable`.
  package init(
    path: String, of run: String, patience: LockPatience? = nil
  ) throws(RunDirectoryError) {
    var looksLeft = patience?.looks ?? 0
    while true {
      let lock: FileLock?
      do throws(FileError) {
        lock = try .exclusive(path, creates: true)
      } catch {
        throw .notWritable(path: run, reason: error.reason)
      }
      if let lock {
        self.lock = lock
        return
      }
      guard let patience, looksLeft > 0 else { throw .inUse(path: run) }
      if looksLeft == patience.looks { patience.tell(run) }
      looksLeft -= 1
      patience.pause()
    }
  }
}

/// How a run waits for a process that holds its directory's lock and may be about to end.
public struct LockPatience {
  /// How often the lock is asked for again.
  let looks: Int
  /// What comes before each of these.
  let pause: () -> Void
  /// Given the directory once, before the first of them.
  let tell: (_ run: String) -> Void

  package init(looks: Int, pause: @escaping () -> Void, tell: @escaping (_ run: String) -> Void) {
    self.looks = looks
    self.pause = pause
    self.tell = tell
  }

  /// Longer than the 90 seconds after which a server of NFS lets go of what a host that is gone has locked.
  private static let supervisedSeconds = 120

  /// That of a supervised run: it may be started again before the rank zero that was killed is gone, for the kernel
  /// ends no process that waits for a disk. Told on standard error.
  public static var supervised: LockPatience {
    LockPatience(
      looks: supervisedSeconds, pause: { sleep(1) },
      tell: { run in
        let text =
          "\(run) is still in use by another process: waiting up to "
          + "\(supervisedSeconds) s for it to end"
        DescriptorOutput(descriptor: STDERR_FILENO).write("lockstep: \(text)".visible + "\n")
      })
  }
}
