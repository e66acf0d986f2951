import CLockstepHost
import Foundation

/// The few system calls that durability needs and Foundation does not offer, with typed errors.
package enum FileSystem {
  /// Creates a directory and those above it, whose names survive a power failure; an existing one is fine.
  ///
  /// - Returns: Those that were not there, the uppermost first.
  @discardableResult
  package static func makeDirectory(_ path: String) throws(FileError) -> [String] {
    let made = try makeDirectories(path)
    for directory in made {
      do throws(FileError) {
        try synchronize(directory: parent(of: directory))
      } catch {
        // One may be allowed to write to a directory and not to open it.
        guard error.code == EACCES else { throw error }
      }
    }
    return made
  }

  private static func makeDirectories(_ path: String) throws(FileError) -> [String] {
    if mkdir(path, 0o777) == 0 { return [path] }
    switch errno {
    case EEXIST where isDirectory(path):
      return []
    case ENOENT where !parent(of: path).isEmpty && parent(of: path) != path:
      let above = try makeDirectories(parent(of: path))
      if mkdir(path, 0o777) == 0 { return above + [path] }
      guard errno == EEXIST else { throw .last("create directory", path) }
      return above
    default:
      throw .last("create directory", path)
    }
  }

  /// Names in a directory, sorted, without `.` and `..`.
  package static func names(in path: String) throws(FileError) -> [String] {
    guard let stream = opendir(path) else { throw .last("list directory", path) }
    defer { closedir(stream) }
    return try names(in: stream, path: path)
  }

  /// The rest of a directory that is open.
  ///
  /// - Parameter path: What errors call it.
  package static func names(
    in stream: OpaquePointer, path: String
  ) throws(FileError) -> [String] {
    var names: [String] = []
    while true {
      // What comes at the end comes at an error, too: only the error number tells them apart.
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw .last("list directory", path) }
        return names.sorted()
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  /// Removes a file, or a directory with all it holds. What is already gone is fine.
  package static func remove(_ path: String) throws(FileError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw .last("examine", path)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try names(in: path) { try remove(path + "/" + name) }
      guard rmdir(path) == 0 else { throw .last("remove directory", path) }
    } else {
      guard unlink(path) == 0 else { throw .last("remove", path) }
    }
  }

  /// Removes a file, and nothing that is a directory. What is already gone is fine.
  package static func removeFile(_ path: String) throws(FileError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw .last("remove", path) }
  }

  /// Removes directories that are empty, the last one first; others stay.
  package static func removeEmpty(_ paths: [String]) {
    for path in paths.reversed() { rmdir(path) }
  }

  /// Moves a file or directory within its file system, in one step.
  package static func rename(_ source: String, to destination: String) throws(FileError) {
    // The global function, not this one.
    guard Foundation.rename(source, destination) == 0 else {
      throw .last("rename to \(destination)", source)
    }
  }

  /// Makes the names in a directory survive a power failure.
  package static func synchronize(directory path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last("open directory", path) }
    defer { close(descriptor) }
    // Some network file systems cannot synchronise a directory and say EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw .last("synchronise directory", path)
    }
  }

  /// Whether there is anything at a path.
  ///
  /// - Parameter followsLinks: Whether a symbolic link counts by what it leads to; otherwise it is
  ///   something itself, also where it leads to nothing. Default: yes.
  /// - Throws: Where that can not be seen, as for lack of permission.
  package static func exists(
    _ path: String, followsLinks: Bool = true
  ) throws(FileError) -> Bool {
    var status = stat()
    let result = followsLinks ? stat(path, &status) : lstat(path, &status)
    if result == 0 { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw .last("examine", path) }
    return false
  }

  /// Names in a directory as `names(in:)`; none where there is no such directory.
  package static func namesIfAny(in path: String) throws(FileError) -> [String] {
    do throws(FileError) {
      return try names(in: path)
    } catch {
      guard error.code == ENOENT else { throw error }
      return []
    }
  }

  /// Permissions of a regular file; nil where there is none.
  package static func permissions(of path: String) -> mode_t? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return status.st_mode & 0o777
  }

  /// What is at a path, also behind a symbolic link, that is neither a file nor a directory: "a device"; nil: nothing
  /// of that kind.
  static func special(at path: String) -> String? {
    // /dev/stdout is a link to /proc/self/fd/1, also where standard output goes to a file.
    let place = "/proc/".utf8.map(CChar.init(bitPattern:))
    var target = [CChar](repeating: 0, count: place.count)
    if readlink(path, &target, target.count) == place.count, target == place {
      return "an open descriptor"
    }
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFCHR, S_IFBLK: return "a device"
    case S_IFIFO: return "a pipe"
    case S_IFSOCK: return "a socket"
    default: return nil
    }
  }

  /// Whether two paths lead to one file; not where one leads to nothing.
  package static func areSame(_ path: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(path, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev
      && first.st_ino == second.st_ino
  }

  /// Whether a directory is where a file system is mounted, and can not be renamed therefore.
  package static func isMountPoint(_ path: String) -> Bool {
    var (directory, above) = (stat(), stat())
    guard stat(path, &directory) == 0, stat(path + "/..", &above) == 0 else { return false }
    return directory.st_dev != above.st_dev || directory.st_ino == above.st_ino
  }

  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// A regular file's length in bytes.
  package static func size(of path: String) throws(FileError) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .last("examine", path) }
    return Int(status.st_size)
  }

  /// Bytes that an ordinary user may still write to the file system that holds a path, which
  /// itself need not exist; nil where it does not say, or says more than can be counted: it has no limit.
  package static func freeBytes(near path: String) -> Int? {
    var status = statvfs()
    var place = path
    while statvfs(place, &status) != 0 {
      let above = parent(of: place)
      guard errno == ENOENT, above != place else { return nil }
      place = above
    }
    let bytes = CHost_blockBytes(UInt64(status.f_bavail), UInt64(status.f_frsize))
    return bytes < 0 ? nil : Int(bytes)
  }

  /// The last part of a path, without slashes; nil for the root and for an empty path. A slash before an accent
  /// is a slash.
  package static func name(of path: String) -> String? {
    path.unicodeScalars.split(separator: "/").last.map { String($0) }
  }

  /// The directory that holds a path: `.` for a bare name.
  package static func parent(of path: String) -> String {
    let parts = path.unicodeScalars.split(separator: "/").map { String($0) }
    let head = parts.dropLast().joined(separator: "/")
    if path.utf8.first == UInt8(ascii: "/") { return "/" + head }
    return head.isEmpty ? "." : head
  }
}
