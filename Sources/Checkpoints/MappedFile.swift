import Foundation

/// A whole file in memory, read-only, by `mmap`: pages come in as they are touched.
///
/// The file must not be shortened while it is mapped; Lockstep only ever replaces checkpoint files
/// by renaming, which leaves existing mappings whole.
final class MappedFile {
  private let bytes: UnsafeRawBufferPointer

  /// Length in bytes.
  var byteCount: Int { bytes.count }

  /// - Throws: `CheckpointError.fileSystem`.
  init(path: String) throws(CheckpointError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("examine", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .malformed(path: path, offset: 0, tensor: nil, problem: "not a regular file")
    }
    let byteCount = Int(status.st_size)
    // An empty mapping is an error to mmap, and a plain empty buffer to us.
    guard byteCount > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw .system("map", path) }
    bytes = UnsafeRawBufferPointer(start: address, count: byteCount)
  }

  /// Lends the content, which stays mapped at least until `body` returns.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }
}
