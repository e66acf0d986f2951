import Foundation

/// A lock on a file that other processes respect if they ask for it (`flock`). It ends with the object,
/// and with the process, however that ends.
package final class FileLock: Sendable {
  package let path: String
  private let descriptor: Int32

  private init(path: String, flags: Int32) throws(FileError) {
    self.path = path
    // Whoever put a pipe there is not waited for.
    descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666)
    guard descriptor >= 0 else { throw .last("open", path) }
  }

  deinit { close(descriptor) }

  /// Locks a file that others may lock likewise; waits for one that has it for itself.
  ///
  /// On a file system without locks the file is opened and not locked: `isInPlace` then tells what
  /// became of it.
  package static func shared(_ path: String) throws(FileError) -> FileLock {
    let lock = try FileLock(path: path, flags: O_RDONLY)
    while flock(lock.descriptor, LOCK_SH) != 0 && errno == EINTR {}
    guard !lock.isRemoved else { throw FileError(operation: "open", path: path, code: ENOENT) }
    return lock
  }

  /// Locks a file for oneself.
  ///
  /// - Parameter creates: Whether to make the file where there is none; a symbolic link is not followed.
  /// - Returns: Nil where another has locked it.
  /// - Throws: Also where the file system has no locks.
  package static func exclusive(
    _ path: String, creates: Bool = false
  ) throws(FileError) -> FileLock? {
    while true {
      let lock = try FileLock(path: path, flags: O_RDWR | (creates ? O_CREAT | O_NOFOLLOW : 0))
      while flock(lock.descriptor, LOCK_EX | LOCK_NB) != 0 {
        if errno == EWOULDBLOCK { return nil }
        if errno != EINTR { throw .last("lock", path) }
      }
      // Who held it before may have removed it.
      if !lock.isRemoved { return lock }
      if !creates { throw FileError(operation: "open", path: path, code: ENOENT) }
    }
  }

  /// Whether the file has no name any more.
  private var isRemoved: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_nlink == 0
  }

  /// Whether the path still leads to the file that is open.
  package var isInPlace: Bool {
    var (mine, there) = (stat(), stat())
    return fstat(descriptor, &mine) == 0 && stat(path, &there) == 0
      && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino
  }

  /// Length of the file in bytes.
  package var size: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Writes into the file, and waits until the disk has it.
  package func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.lent { (bytes) throws(FileError) in
      try OutputFile.write(bytes, to: descriptor, path: path)
    }
    guard fsync(descriptor) == 0 else { throw .last("synchronise", path) }
  }

  /// Removes the file; the lock stays until the object goes.
  package func remove() throws(FileError) { try FileSystem.removeFile(path) }
}
