import Foundation
import LockstepFiles

/// Where a key comes from: never from a configuration or a command line, which others can read.
public enum KeySource: Equatable, Sendable {
  /// A file that its owner alone can read, or a pipe.
  case file(String)
  /// What a descriptor of this process gives up to its end; it is then closed.
  case descriptor(Int32)
  /// What a shell's command prints.
  case command(String)

  /// The environment variable that names a key's file.
  public static let fileVariable = "LOCKSTEP_KEY_FILE"

  /// More bytes than any way to write a key takes.
  private static let limit = 1024

  /// Reads the key: 32 bytes, or these as 64 hexadecimal digits or in Base64, with a line end or without.
  ///
  /// - Throws: `KeyError`, which says nothing of the key itself.
  public func read() throws(KeyError) -> SecretKey {
    let buffer = SecretBytes(count: Self.limit)
    let count =
      switch self {
      case .file(let path): try Self.read(path: path, into: buffer)
      case .descriptor(let number): try Self.read(descriptor: number, into: buffer)
      case .command(let command): try Self.read(command: command, into: buffer)
      }
    guard let key = KeyText.key(buffer, count: count) else {
      throw .notAKey(source: name, byteCount: count)
    }
    return key
  }

  /// What errors call it.
  var name: String {
    switch self {
    case .file(let path): path
    case .descriptor(let number): "descriptor \(number)"
    // The command itself may hold what nobody should read.
    case .command: "the key command"
    }
  }

  private static func read(path: String, into buffer: SecretBytes) throws(KeyError) -> Int {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .file(.last("open the key file", path)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .file(.last("examine", path)) }
    if status.st_mode & S_IFMT == S_IFREG {
      let mode = status.st_mode & 0o777
      guard mode & 0o077 == 0 else { throw .openToOthers(path: path, mode: Int(mode)) }
    }
    do throws(FileError) {
      return try fill(buffer, from: descriptor, name: path)
    } catch {
      throw .file(error)
    }
  }

  private static func read(descriptor: Int32, into buffer: SecretBytes) throws(KeyError) -> Int {
    guard fcntl(descriptor, F_GETFD) >= 0 else { throw .closedDescriptor(descriptor) }
    defer { close(descriptor) }
    do throws(FileError) {
      return try fill(buffer, from: descriptor, name: "descriptor \(descriptor)")
    } catch {
      throw .file(error)
    }
  }

  private static func read(command: String, into buffer: SecretBytes) throws(KeyError) -> Int {
    let (count, status): (Int, Int32)
    do throws(FileError) {
      let shell = try ShellOutput(command)
      count = try fill(buffer, from: shell.descriptor, name: "the key command")
      status = try shell.finish()
    } catch {
      throw .file(error)
    }
    // One that has printed too much may have been stopped by that.
    guard status == 0 || count == buffer.count else { throw .command(status: status) }
    return count
  }

  /// Reads up to the end, or until the buffer is full.
  private static func fill(
    _ buffer: SecretBytes, from descriptor: Int32, name: String
  ) throws(FileError) -> Int {
    try buffer.withMutableBytes { (bytes) throws(FileError) in
      var filled = 0
      while filled < bytes.count {
        let count = Foundation.read(descriptor, bytes.baseAddress! + filled, bytes.count - filled)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw .last("read", name) }
        if count == 0 { break }
        filled += count
      }
      return filled
    }
  }
}
