import LockstepFiles
import LockstepKeys

/// Encrypts a file's content as it comes, piece by piece.
package struct FileEncryption: ContentEncryption {
  private let cipher: ChunkCipher
  private var pending: [UInt8] = []
  private var nextChunk = 0
  private var hasHeader = false

  /// - Parameter contentByteCount: How many bytes will come.
  package init(key: SecretKey, contentByteCount: Int) {
    cipher = ChunkCipher(key: key, contentByteCount: contentByteCount)
  }

  /// Bytes of the encrypted file for so many of content.
  package static func fileByteCount(ofContent count: Int) -> Int {
    EncryptionHeader(
      chunkByteCount: EncryptionHeader.chunkByteCount, contentByteCount: count, salt: [], check: []
    ).fileByteCount
  }

  /// Takes content.
  ///
  /// - Returns: What can be written of the file.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var output = hasHeader ? [] : cipher.header.bytes
    hasHeader = true
    let chunk = cipher.header.chunkByteCount
    var rest = bytes
    if !pending.isEmpty {
      let taken = min(chunk - pending.count, rest.count)
      pending += rest[..<taken]
      rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
      guard pending.count == chunk else { return output }
      output += pending.withUnsafeBytes { seal($0) }
      pending.removeAll(keepingCapacity: true)
    }
    while rest.count >= chunk {
      output += seal(UnsafeRawBufferPointer(rebasing: rest[..<chunk]))
      rest = UnsafeRawBufferPointer(rebasing: rest[chunk...])
    }
    pending += rest
    return output
  }

  /// - Returns: The rest of the file.
  package mutating func finish() -> [UInt8] {
    var output = hasHeader ? [] : cipher.header.bytes
    hasHeader = true
    // A last chunk that is full has gone already.
    if nextChunk < cipher.header.chunkCount { output += pending.withUnsafeBytes { seal($0) } }
    precondition(nextChunk == cipher.header.chunkCount, "other bytes came than were promised")
    return output
  }

  private mutating func seal(_ content: UnsafeRawBufferPointer) -> [UInt8] {
    defer { nextChunk += 1 }
    return cipher.seal(content, index: nextChunk)
  }

  /// A whole content, encrypted.
  package static func encrypted(_ content: UnsafeRawBufferPointer, key: SecretKey) -> [UInt8] {
    var encryption = FileEncryption(key: key, contentByteCount: content.count)
    return encryption.append(content) + encryption.finish()
  }
}
