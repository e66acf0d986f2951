import LockstepFiles
import LockstepTraining
import Testing

/// Who waits for a directory that another process is about to leave.
@Suite struct RunDirectoryLockTests {
  /// A process that holds the directory, what the next one says and how often it looks.
  private final class Scene {
    let folder: TemporaryFolder
    var holder: FileLock?
    var told: [String] = []
    var pauses = 0
    var path: String { folder.path + "/.lock" }

    init() throws {
      folder = try TemporaryFolder()
      holder = try FileLock.exclusive(folder.path + "/.lock", creates: true)
    }

    /// - Parameter last: The pause in which the holder ends; nil: it stays.
    func lock(looks: Int, leavingIn last: Int? = nil) throws -> RunDirectoryLock {
      let patience = LockPatience(looks: looks) { [self] in
        pauses += 1
        if pauses == last { holder = nil }
      } tell: { [self] in
        told.append($0)
      }
      return try RunDirectoryLock(path: path, of: "run", patience: patience)
    }
  }

  @Test func aDirectoryThatBecomesFreeIsWaitedForAndThatIsSaidOnce() throws {
    let scene = try Scene()
    let lock = try scene.lock(looks: 9, leavingIn: 3)
    #expect(scene.pauses == 3 && scene.told == ["run"])
    // It is held now.
    #expect(try FileLock.exclusive(scene.path) == nil)
    withExtendedLifetime(lock) {}
  }

  @Test func aDirectoryThatStaysInUseIsRefusedInTheEnd() throws {
    let scene = try Scene()
    #expect(throws: RunDirectoryError.inUse(path: "run")) { _ = try scene.lock(looks: 4) }
    #expect(scene.pauses == 4 && scene.told == ["run"])
  }

  @Test func aFreeDirectoryIsTakenWithoutAWord() throws {
    let scene = try Scene()
    scene.holder = nil
    _ = try scene.lock(looks: 4)
    #expect(scene.pauses == 0 && scene.told.isEmpty)
  }

  @Test func withoutASupervisorNobodyIsWaitedFor() throws {
    let scene = try Scene()
    #expect(throws: RunDirectoryError.inUse(path: "run")) {
      _ = try RunDirectoryLock(path: scene.path, of: "run")
    }
  }
}
