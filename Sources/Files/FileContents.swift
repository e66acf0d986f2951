import Foundation

/// Reads whole files that are small by nature, and whatever else has an end: pipes, terminals.
package enum FileContents {
  /// The bytes of a file, or of a pipe up to its end.
  ///
  /// - Parameters:
  ///   - path: Also `/dev/stdin`, or what a shell puts for `<(command)`.
  ///   - limit: The most bytes that there may be.
  /// - Throws: `FileError`, with `EISDIR` for a directory, and `EFBIG` where there is more.
  package static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last("open", path) }
    defer { close(descriptor) }
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Foundation.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .last("read", path) }
      guard count > 0 else { return try decrypted(contents, path: path) }
      contents += buffer[..<count]
      guard contents.count <= limit else {
        throw FileError(operation: "read", path: path, code: EFBIG)
      }
    }
  }

  private static func decrypted(
    _ contents: [UInt8], path: String
  ) throws(FileError) -> [UInt8] {
    guard contents.withUnsafeBytes({ EncryptedFiles.isEncrypted($0) }) else { return contents }
    let memory = try PrivateMemory(byteCount: contents.count, for: path)
    memory.bytes.copyBytes(from: contents)
    let stored = MappedFile(viewing: UnsafeRawBufferPointer(memory.bytes), owner: memory)
    let content = try EncryptedFiles.open(stored, path: path)
    var bytes = [UInt8](repeating: 0, count: content.count)
    try bytes.lentForFilling { (bytes) throws(FileError) in
      try content.read(0..<content.count, into: bytes)
    }
    return bytes
  }

  /// The name that a path of standard input or of another open descriptor goes by: `stdin` or `pipe`;
  /// nil for a path that names a file.
  package static func name(ofDescriptor path: String) -> String? {
    if ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(path) { return "stdin" }
    let isDescriptor = ["/dev/fd/", "/proc/self/fd/"].contains { path.hasPrefix($0) }
    return isDescriptor ? "pipe" : nil
  }
}
