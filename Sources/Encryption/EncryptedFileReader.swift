import Dispatch
import Foundation
import LockstepFiles
import LockstepKeys
import Synchronization

/// An encrypted file, of which the chunks that are needed are decrypted.
package final class EncryptedFileReader: EncryptedContent {
  private let stored: MappedFile
  private let path: String
  private let cipher: ChunkCipher
  private let cache = Mutex(ChunkCache())

  /// Checks the header, the file's length and the key; chunks are checked as they are read.
  ///
  /// - Throws: `FileError` which says what is wrong.
  package init(_ stored: MappedFile, key: SecretKey, path: String) throws(FileError) {
    self.stored = stored
    self.path = path
    let header = try stored.withBytes { (bytes) throws(FileError) in
      try EncryptionHeader(of: bytes, path: path)
    }
    cipher = try ChunkCipher(key: key, header: header, path: path)
  }

  package var count: Int { cipher.header.contentByteCount }

  package func read(
    _ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "bytes \(range) of \(count)")
    precondition(destination.count >= range.count, "no room for \(range.count) bytes")
    let header = cipher.header
    // An empty file has a chunk, too, which may have been changed.
    let chunks =
      range.isEmpty
      ? (count == 0 ? 0..<1 : 0..<0)
      : range.lowerBound / header.chunkByteCount..<(range.upperBound - 1) / header.chunkByteCount
        + 1
    if chunks.count <= ChunkCache.capacity / 4 {
      for index in chunks { try copy(chunk: index, range, into: destination, keeps: true) }
      return
    }
    nonisolated(unsafe) let destination = destination
    let failure = Mutex<(index: Int, error: FileError)?>(nil)
    let share = 32
    DispatchQueue.concurrentPerform(iterations: (chunks.count + share - 1) / share) { part in
      let start = chunks.lowerBound + part * share
      for index in start..<min(start + share, chunks.upperBound) {
        do throws(FileError) {
          try copy(chunk: index, range, into: destination, keeps: false)
        } catch {
          // The first place is told, whatever was seen first.
          failure.withLock { if $0.map({ index < $0.index }) ?? true { $0 = (index, error) } }
          return
        }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
  }

  private func copy(
    chunk index: Int, _ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer,
    keeps: Bool
  ) throws(FileError) {
    let place = cipher.header.content(ofChunk: index)
    let wanted = place.clamped(to: range)
    let content = try self.content(ofChunk: index, keeps: keeps)
    guard !wanted.isEmpty else { return }
    content.withUnsafeBytes { content in
      let source = UnsafeRawBufferPointer(
        rebasing: content[
          wanted.lowerBound - place.lowerBound..<wanted.upperBound - place.lowerBound])
      UnsafeMutableRawBufferPointer(
        rebasing: destination[(wanted.lowerBound - range.lowerBound)...]
      ).copyMemory(from: source)
    }
  }

  private func content(ofChunk index: Int, keeps: Bool) throws(FileError) -> Data {
    if keeps, let content = cache.withLock({ $0[index] }) { return content }
    let place = cipher.header.stored(ofChunk: index)
    let content = try stored.withBytes { (bytes) throws(FileError) in
      try cipher.open(UnsafeRawBufferPointer(rebasing: bytes[place]), index: index, path: path)
    }
    if keeps { cache.withLock { $0.insert(content, index) } }
    return content
  }
}

/// The chunks that were used last.
private struct ChunkCache {
  /// 4 MiB.
  static let capacity = 64

  private var contents: [Int: Data] = [:]
  /// The one that was used last stands last.
  private var order: [Int] = []

  subscript(index: Int) -> Data? {
    mutating get {
      guard let content = contents[index] else { return nil }
      if order.last != index, let place = order.firstIndex(of: index) {
        order.remove(at: place)
        order.append(index)
      }
      return content
    }
  }

  mutating func insert(_ content: Data, _ index: Int) {
    if contents.updateValue(content, forKey: index) == nil { order.append(index) }
    if order.count > Self.capacity { contents[order.removeFirst()] = nil }
  }
}
