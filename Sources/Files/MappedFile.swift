import CLockstepHost
import Foundation
import Synchronization

/// A file's bytes, mapped into memory, read only.
///
/// The mapping is private, but a file that another process shortens under it ends this one with
/// SIGBUS: files are replaced by renaming, never rewritten in place.
package final class MappedFile: Sendable {
  /// Files up to this many bytes are mapped page by page at once, so that reading faults none in.
  private static let largestPopulated = 256 << 20

  /// Number of bytes.
  package let count: Int
  /// Page aligned; valid as long as the object lives. Nothing writes to it, so threads may share it.
  nonisolated(unsafe) private let base: UnsafeRawPointer?
  /// Whether the bytes are in memory alone, as those of an encrypted file are: no plain file has them.
  package let isInMemory: Bool
  /// Keeps memory that was mapped by others; nil where this object mapped it.
  private let owner: (any Sendable)?
  /// Whether another object gives the mapping back.
  private let isTakenOver = Atomic(false)

  /// Maps a file; a pipe, a terminal or a socket is read to its end first. An encrypted file is decrypted
  /// into memory.
  ///
  /// - Parameter populates: Whether small files are mapped page by page at once. Default: yes.
  /// - Throws: `FileError` if it cannot be opened or mapped, or is a directory; for an encrypted file, see
  ///   `EncryptedFiles`.
  package convenience init(path: String, populates: Bool = true) throws(FileError) {
    try self.init(decrypting: MappedFile(storedAt: path, populates: populates), path: path)
  }

  /// What a file holds: of one that is encrypted, its content in memory.
  private convenience init(decrypting stored: MappedFile, path: String) throws(FileError) {
    guard EncryptedFiles.isEncrypted(stored.bytes) else {
      self.init(takingOver: stored)
      return
    }
    let content = try EncryptedFiles.open(stored, path: path)
    let memory = try PrivateMemory(byteCount: content.count, for: path)
    try content.read(0..<content.count, into: memory.bytes)
    self.init(viewing: UnsafeRawBufferPointer(memory.bytes), owner: memory)
  }

  /// Maps a file as it is stored: one that is encrypted stays so.
  ///
  /// - Throws: `FileError` if it cannot be opened or mapped, or is a directory.
  package convenience init(storedAt path: String, populates: Bool = true) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw .last("open", path) }
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw .last("read", path) }
    // A pipe, a terminal or a socket has no length.
    if [S_IFIFO, S_IFCHR, S_IFSOCK].contains(status.st_mode & S_IFMT) {
      try self.init(spoolingStored: descriptor, name: path)
    } else {
      try self.init(descriptor: descriptor, path: path, populates: populates)
    }
  }

  /// The same bytes, which the other object then no longer gives back.
  private init(takingOver other: MappedFile) {
    count = other.count
    base = other.base
    owner = other.owner
    isInMemory = other.isInMemory
    other.isTakenOver.store(true, ordering: .relaxed)
  }

  /// Maps what is left to read of a pipe or terminal, by way of an unnamed temporary file. What is encrypted is
  /// decrypted into memory.
  ///
  /// - Parameter name: What errors call it.
  /// - Throws: `FileError` if it cannot be read, or the temporary file not be written; for what is encrypted,
  ///   see `EncryptedFiles`.
  package convenience init(spooling source: Int32, name: String) throws(FileError) {
    try self.init(decrypting: MappedFile(spoolingStored: source, name: name), path: name)
  }

  /// As `init(spooling:name:)`, without decrypting.
  private convenience init(spoolingStored source: Int32, name: String) throws(FileError) {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    try self.init(spoolingAs: name) { (write) throws(FileError) in
      while true {
        let count = read(source, &buffer, buffer.count)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { throw .last("read", name) }
        if count == 0 { break }
        try buffer.lent { (bytes) throws(FileError) in
          try write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
      }
    }
  }

  /// Maps what a function writes, by way of an unnamed temporary file.
  ///
  /// - Parameters:
  ///   - name: What errors call it.
  ///   - byteCount: About how many bytes these are, where the file is to be one in memory, so that nothing of it
  ///     comes to a disk. Default: it is none.
  ///   - body: Is given a function that appends bytes.
  /// - Throws: `FileError` if the temporary file can not be written, or what `body` throws.
  package convenience init(
    spoolingAs name: String, inMemory byteCount: Int? = nil,
    _ body: ((UnsafeRawBufferPointer) throws(FileError) -> Void) throws(FileError) -> Void
  ) throws(FileError) {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let spool =
      if let byteCount {
        try Self.memoryFile(byteCount, name: name)
      } else {
        try Self.temporaryFile(in: directory)
      }
    defer { close(spool) }
    try body { (bytes) throws(FileError) in
      try OutputFile.write(bytes, to: spool, path: byteCount == nil ? directory : name)
    }
    try self.init(
      descriptor: spool, path: name, populates: true, isInMemory: byteCount != nil)
  }

  /// - Returns: The descriptor of an empty file without a name.
  private static func temporaryFile(in directory: String) throws(FileError) -> Int32 {
    var template = Array((directory + "/lockstep-XXXXXX").utf8CString)
    let file = mkstemp(&template)
    if file < 0 { throw .last("make a temporary file in", directory) }
    unlink(template)
    return file
  }

  /// The same, in memory.
  private static func memoryFile(_ byteCount: Int, name: String) throws(FileError) -> Int32 {
    if let available = MemoryRoom.available, byteCount > available {
      throw FileError(
        operation: "keep in memory", path: name, code: ENOMEM,
        explanation: "it takes about \(byteCount) bytes, and \(available) are available; what an "
          + "encrypted file holds is not written to a disk in between: cut it into several files")
    }
    var file: Int32 = -1
    let code = CHost_makeMemoryFile(&file)
    guard code == 0 else {
      throw FileError(operation: "keep in memory", path: name, code: code)
    }
    return file
  }

  /// A file's bytes that are in memory already.
  ///
  /// - Parameters:
  ///   - bytes: Nothing changes them any more.
  ///   - owner: Keeps them.
  package init(viewing bytes: UnsafeRawBufferPointer, owner: any Sendable) {
    count = bytes.count
    base = bytes.baseAddress
    self.owner = owner
    isInMemory = true
  }

  private init(
    descriptor: Int32, path: String, populates: Bool, isInMemory: Bool = false
  ) throws(FileError) {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw .last("read", path) }
    if status.st_mode & S_IFMT == S_IFDIR {
      throw FileError(operation: "read", path: path, code: EISDIR)
    }
    count = Int(status.st_size)
    owner = nil
    self.isInMemory = isInMemory
    if count == 0 {
      base = nil
      return
    }
    var flags = MAP_PRIVATE
    #if os(Linux)
      if populates && count <= Self.largestPopulated { flags |= MAP_POPULATE }
    #endif
    let address = mmap(nil, count, PROT_READ, flags, descriptor, 0)
    if address == MAP_FAILED { throw .last("map", path) }
    #if os(Linux)
      if isInMemory { madvise(address, count, MADV_DONTDUMP) }
    #endif
    base = UnsafeRawPointer(address)
  }

  deinit {
    if let base, owner == nil, !isTakenOver.load(ordering: .relaxed) {
      munmap(UnsafeMutableRawPointer(mutating: base), count)
    }
  }

  /// Gives back the memory of bytes that have been read. They can be read again: the system then takes
  /// them from the file.
  package func release(_ range: Range<Int>) {
    guard let base, owner == nil else { return }
    let page = Int(getpagesize())
    let (start, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
    guard start < end else { return }
    // Advice only: if it is not taken, the memory stays until the file is closed.
    madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, MADV_DONTNEED)
  }

  /// The bytes; valid as long as the object lives.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Calls `body` with the bytes, which stay mapped until it returns.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(self) { () throws(Failure) in try body(bytes) }
  }
}
