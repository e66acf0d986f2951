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
  /// Of all bytes so far, where the file's own hash is wanted though it will be cut into chunks: a chain, which
  /// one of the threads computes while the others write.
  private var whole: SHA256?
  /// For portions that lie in several places, one for each thread.
  private var scratch: UnsafeMutableRawBufferPointer?

  private static let portion = HashTree.portionByteCount
  /// The disk begins with so many bytes at a time: fewer are more work than the wait they save.
  private static let storedByteCount = 64 << 20

  /// Creates the file, where nothing is yet.
  ///
  /// - Parameters:
  ///   - bytesNeeded: What the caller is about to write in all, in bytes, for errors.
  ///   - hashesWhole: Whether the manifest gets the hash of the whole, too, of a file of any length. Default:
  ///     false.
  ///   - threads: Share the work.
  init(
    name: String, in directory: String, bytesNeeded: Int? = nil, hashesWhole: Bool = false,
    threads: ThreadPool
  ) throws(FileError) {
    self.name = name
    self.threads = threads
    whole = hashesWhole ? SHA256() : nil
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
    func portion(_ index: Int, worker: Int) -> UnsafeRawBufferPointer {
      let own = scratch.map {
        UnsafeMutableRawBufferPointer(
          rebasing: $0[worker * Self.portion..<(worker + 1) * Self.portion])
      }
      let start = index * Self.portion
      return bytes.contiguous(start..<start + Self.portion, scratch: own)
    }
    func addToWhole(worker: Int) {
      for index in 0..<count { whole?.update(bufferPointer: portion(index, worker: worker)) }
    }
    let longTasks: [(_ worker: Int) -> Void] =
      (meanwhile.map { task in [{ _ in task() }] } ?? []) + (whole == nil ? [] : [addToWhole])
    // Each first of all, if there are threads enough by another one.
    let taskCount = longTasks.count + count
    let firstTasks = threads.firstTasks(of: taskCount)
    let places = longTasks.indices.map { firstTasks.indices ~= $0 ? firstTasks[$0] : $0 }
    var hashes = [[UInt8]](repeating: [], count: count)
    try hashes.withUnsafeMutableBufferPointer { (hashes) throws(FileError) in
      try threads.attempt(tasks: taskCount) { (task, worker) throws(FileError) in
        if let index = places.firstIndex(of: task) { return longTasks[index](worker) }
        let index = task - places.count { $0 < task }
        let content = portion(index, worker: worker)
        HashTree.appendPieceHashes(of: content, to: &hashes[index])
        try store(content, at: writtenByteCount + index * Self.portion)
      }
    }
    for hash in hashes { pieceHashes += hash }
    writtenByteCount += count * Self.portion
  }

  /// Writes a portion, and has the disk begin with what it completes.
  private func store(_ portion: UnsafeRawBufferPointer, at start: Int) throws(FileError) {
    try file.write(portion, at: start)
    let end = start + portion.count
    if end % Self.storedByteCount < Self.portion {
      file.beginStoring(max(0, end - Self.storedByteCount - Self.portion)..<end)
    }
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
    // Of a small file, what is left is all of it.
    if byteCount < HashTree.leastByteCount, whole == nil { whole = SHA256() }
    try rest.lent { (bytes) throws(FileError) in
      try file.write(bytes, at: writtenByteCount)
      HashTree.appendPieceHashes(of: bytes, to: &pieceHashes)
      whole?.update(bufferPointer: bytes)
    }
    try file.finish()
    return Manifest.File(
      name: name, bytes: byteCount, pieceHashes: pieceHashes,
      sha256: whole?.finalize().hexadecimal)
  }
}
