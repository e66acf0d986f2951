import Crypto
import LockstepFiles
import LockstepParallelism

/// A file being written from its start, hashed on the way: the bytes go through a processor's caches once
/// for the hash and the copy to the kernel. Several threads share the work; what they leave does not
/// depend on how many there are.
final class HashedFile {
  private let name: String
  private let file: OutputFile
  private let threads: ThreadPool
  /// Bytes that are in the file.
  private var writtenByteCount = 0
  /// What came after them, less than a portion.
  private var rest: [UInt8] = []
  private var pieceHashes: [UInt8] = []
  /// For portions that lie in several places, one for each thread.
  private var scratch: UnsafeMutableRawBufferPointer?

  private static let portion = HashTree.portionByteCount
  /// The disk begins with so many bytes at a time: fewer are more work than the wait they save.
  private static let storedByteCount = 64 << 20

  /// Creates the file, where nothing is yet.
  ///
  /// - Parameters:
  ///   - bytesNeeded: What the caller is about to write in all, in bytes, for errors.
  ///   - threads: Share the work.
  init(
    name: String, in directory: String, bytesNeeded: Int? = nil, threads: ThreadPool
  ) throws(FileError) {
    self.name = name
    self.threads = threads
    file = try OutputFile(path: directory + "/" + name, bytesNeeded: bytesNeeded)
  }

  deinit { scratch?.deallocate() }

  /// Appends bytes that lie in several places.
  ///
  /// - Parameter meanwhile: Something else for one of the threads to do. Default: nothing.
  /// - Throws: With `ENOSPC` when the disk is full.
  func write(
    _ parts: [UnsafeRawBufferPointer], meanwhile: (() -> Void)? = nil
  ) throws(FileError) {
    let rest = rest
    try rest.lent { (carried) throws(FileError) in
      let bytes = ScatteredBytes([carried] + parts)
      let portionCount = bytes.count / Self.portion
      try write(portionsOf: bytes, count: portionCount, meanwhile: meanwhile)
      let restCount = bytes.count - portionCount * Self.portion
      self.rest = [UInt8](unsafeUninitializedCapacity: restCount) { buffer, count in
        bytes.copy(from: portionCount * Self.portion, into: UnsafeMutableRawBufferPointer(buffer))
        count = restCount
      }
    }
  }

  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) { try write([bytes]) }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.lent { (bytes) throws(FileError) in try write(bytes) }
  }

  private func write(
    portionsOf bytes: ScatteredBytes, count: Int, meanwhile: (() -> Void)?
  ) throws(FileError) {
    let scratch = bytes.isContiguous ? nil : reservedScratch()
    var hashes = [[UInt8]](repeating: [], count: count)
    // The long task first.
    let others = meanwhile == nil ? 0 : 1
    try hashes.withUnsafeMutableBufferPointer { (hashes) throws(FileError) in
      try threads.attempt(tasks: count + others) { (task, worker) throws(FileError) in
        guard task >= others else {
          meanwhile?()
          return
        }
        let start = (task - others) * Self.portion
        let own = scratch.map {
          UnsafeMutableRawBufferPointer(
            rebasing: $0[worker * Self.portion..<(worker + 1) * Self.portion])
        }
        let content = bytes.contiguous(start..<start + Self.portion, scratch: own)
        HashTree.appendPieceHashes(of: content, to: &hashes[task - others])
        let end = writtenByteCount + start + Self.portion
        try file.write(content, at: end - Self.portion)
        if end % Self.storedByteCount < Self.portion {
          file.beginStoring(max(0, end - Self.storedByteCount - Self.portion)..<end)
        }
      }
    }
    for hash in hashes { pieceHashes += hash }
    writtenByteCount += count * Self.portion
  }

  private func reservedScratch() -> UnsafeMutableRawBufferPointer {
    if let scratch { return scratch }
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: threads.threadCount * Self.portion, alignment: 4096)
    scratch = memory
    return memory
  }

  /// Writes what is left, waits until the disk has everything, then closes the file.
  ///
  /// - Returns: What the manifest says of it.
  func finish() throws(FileError) -> Manifest.File {
    let byteCount = writtenByteCount + rest.count
    let hash = try rest.lent { (bytes) throws(FileError) in
      try file.write(bytes, at: writtenByteCount)
      HashTree.appendPieceHashes(of: bytes, to: &pieceHashes)
      // Of the whole file where that is a small one; else it is not used.
      return SHA256.hash(bytes: bytes)
    }
    try file.finish()
    return Manifest.File(
      name: name, bytes: byteCount, pieceHashes: pieceHashes, sha256: hash.hexadecimal)
  }
}
