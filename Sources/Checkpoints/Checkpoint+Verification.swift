import Crypto
import LockstepFiles
import LockstepParallelism

extension Checkpoint {
  /// Hashes every file and compares with the manifest.
  ///
  /// - Parameter threads: Share the work. Default: the caller's alone.
  /// - Throws: `CheckpointError.wrongHash`, `.wrongChunk`, `.wrongSize` or `.fileSystem`, with the first
  ///   place that is wrong.
  public func verify(threads: ThreadPool = ThreadPool()) throws(CheckpointError) {
    try verify({ _ in true }, threads: threads)
  }

  /// Hashes the files whose names are meant, and compares with the manifest.
  func verify(
    _ isMeant: (_ name: String) -> Bool, threads: ThreadPool
  ) throws(CheckpointError) {
    var parts: [VerifiedPart] = []
    for entry in manifest.files where isMeant(entry.name) {
      let file = try onDisk { () throws(FileError) in
        try InputFile(path: path + "/" + entry.name)
      }
      parts += VerifiedPart.all(of: file, entry, isCut: manifest.isCut(entry))
    }
    // Each thread reads a portion at a time: the files never are in this process's memory as a whole.
    let portion = HashTree.portionByteCount
    let buffers = UnsafeMutableRawBufferPointer.allocate(
      byteCount: threads.threadCount * portion, alignment: 4096)
    defer { buffers.deallocate() }
    try threads.attempt(tasks: parts.count) { (index, worker) throws(CheckpointError) in
      let own = worker * portion..<(worker + 1) * portion
      try parts[index].verify(through: UnsafeMutableRawBufferPointer(rebasing: buffers[own]))
    }
  }
}

/// A part of a file, with a hash of its own in the manifest.
private struct VerifiedPart {
  let file: InputFile
  /// Bytes of the whole file.
  let byteCount: Int
  let range: Range<Int>
  let expected: String
  /// Whether it is one of the file's chunks, not the whole of it.
  let isChunk: Bool

  /// All parts of a file, in order.
  static func all(of file: InputFile, _ entry: Manifest.File, isCut: Bool) -> [VerifiedPart] {
    guard isCut else {
      return [entry.sha256].compactMap(\.self).map { sha256 in
        VerifiedPart(
          file: file, byteCount: entry.bytes, range: 0..<entry.bytes, expected: sha256,
          isChunk: false)
      }
    }
    return (entry.chunks ?? []).enumerated().map { index, hash in
      let start = index * HashTree.chunkByteCount
      return VerifiedPart(
        file: file, byteCount: entry.bytes,
        range: start..<min(start + HashTree.chunkByteCount, entry.bytes), expected: hash,
        isChunk: true)
    }
  }

  /// - Parameter buffer: Takes a portion of the bytes after the other.
  func verify(through buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
    var pieceHashes: [UInt8] = []
    var whole = SHA256()
    for start in stride(from: range.lowerBound, to: range.upperBound, by: buffer.count) {
      let portion = UnsafeMutableRawBufferPointer(
        rebasing: buffer[..<min(buffer.count, range.upperBound - start)])
      let count = try onDisk { () throws(FileError) in try file.read(into: portion, at: start) }
      guard count == portion.count else {
        throw .wrongSize(path: file.path, expected: byteCount, found: start + count)
      }
      if isChunk {
        HashTree.appendPieceHashes(of: UnsafeRawBufferPointer(portion), to: &pieceHashes)
      } else {
        whole.update(bufferPointer: UnsafeRawBufferPointer(portion))
      }
    }
    let found =
      isChunk ? HashTree.chunkHash(pieceHashes) : whole.finalize().hexadecimal
    guard found != expected else { return }
    throw isChunk
      ? .wrongChunk(path: file.path, bytes: range, expected: expected, found: found)
      : .wrongHash(path: file.path, expected: expected, found: found)
  }
}
