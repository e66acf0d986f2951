import Crypto
import Foundation
import LockstepFiles

/// The first 80 bytes of an encrypted file; numbers are little-endian.
///
/// | bytes | hold |
/// |---|---|
/// | 0–7 | 0x89 and `LSCRYPT` |
/// | 8–11 | version: 1 |
/// | 12–15 | bytes of content in a chunk |
/// | 16–23 | bytes of content in all |
/// | 24–55 | the file's salt: random |
/// | 56–71 | key check: tells another key from damage |
/// | 72–79 | the first bytes of the SHA-256 of all before: tells damage here |
///
/// All of it is authenticated with every chunk.
struct EncryptionHeader: Equatable {
  static let byteCount = 80
  static let currentVersion: UInt32 = 1
  static let saltByteCount = 32
  static let checkByteCount = 16
  static let tagByteCount = 16
  /// What Lockstep writes: a window of tokens takes few bytes, and a chunk 20 microseconds.
  static let chunkByteCount = 64 << 10
  /// What is read.
  private static let chunkByteCounts = 1024...(64 << 20)

  let chunkByteCount: Int
  let contentByteCount: Int
  let salt: [UInt8]
  let check: [UInt8]

  /// Number of chunks: an empty file has an empty one.
  var chunkCount: Int { max(1, (contentByteCount + chunkByteCount - 1) / chunkByteCount) }

  /// Bytes of the whole encrypted file.
  var fileByteCount: Int {
    Self.byteCount + contentByteCount + chunkCount * Self.tagByteCount
  }

  /// The content's bytes in a chunk.
  func content(ofChunk index: Int) -> Range<Int> {
    index * chunkByteCount..<min((index + 1) * chunkByteCount, contentByteCount)
  }

  /// The file's bytes of a chunk, with its tag.
  func stored(ofChunk index: Int) -> Range<Int> {
    let start = Self.byteCount + index * (chunkByteCount + Self.tagByteCount)
    return start..<start + content(ofChunk: index).count + Self.tagByteCount
  }

  /// The header as it stands in a file.
  var bytes: [UInt8] {
    var bytes = EncryptedFiles.magic
    func append<Number: FixedWidthInteger>(_ number: Number) {
      withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }
    append(Self.currentVersion)
    append(UInt32(chunkByteCount))
    append(UInt64(contentByteCount))
    bytes += salt
    bytes += check
    return bytes + SHA256.hash(data: bytes).prefix(8)
  }

  init(chunkByteCount: Int, contentByteCount: Int, salt: [UInt8], check: [UInt8]) {
    precondition(
      Self.chunkByteCounts.contains(chunkByteCount), "a chunk of \(chunkByteCount) bytes")
    self.chunkByteCount = chunkByteCount
    self.contentByteCount = contentByteCount
    self.salt = salt
    self.check = check
  }

  /// Reads the header of a file, and compares the file's length with it.
  ///
  /// - Throws: `FileError` where it is damaged, the file is cut or longer, or its version is a later one.
  init(of file: UnsafeRawBufferPointer, path: String) throws(FileError) {
    func damaged(_ explanation: String) -> FileError {
      FileError(operation: "decrypt", path: path, code: EBADMSG, explanation: explanation)
    }
    guard file.count >= Self.byteCount else {
      throw damaged(
        "the encrypted file is cut at byte \(file.count), inside its header of \(Self.byteCount) bytes"
      )
    }
    func number<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type) -> Number {
      Number(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: type))
    }
    let version = number(8, as: UInt32.self)
    guard version == Self.currentVersion else {
      throw damaged(
        "its version is \(version), this Lockstep reads \(Self.currentVersion); the header is damaged, "
          + "or a later Lockstep wrote it")
    }
    let chunk = Int(number(12, as: UInt32.self))
    let content = number(16, as: UInt64.self)
    let sum = SHA256.hash(data: UnsafeRawBufferPointer(rebasing: file[..<72])).prefix(8)
    guard EncryptedFiles.isEncrypted(file), Self.chunkByteCounts.contains(chunk),
      content <= UInt64(Int.max / 2),
      sum.elementsEqual(file[72..<80])
    else { throw damaged("its header is damaged; copy the file again") }
    self.init(
      chunkByteCount: chunk, contentByteCount: Int(content), salt: Array(file[24..<56]),
      check: Array(file[56..<72]))
    guard file.count >= fileByteCount else {
      let lost = (0..<chunkCount).first { stored(ofChunk: $0).upperBound > file.count } ?? 0
      throw damaged(
        "the encrypted file is cut at byte \(file.count) of \(fileByteCount), in chunk \(lost) of "
          + "\(chunkCount); copy it again")
    }
    guard file.count == fileByteCount else {
      throw damaged(
        "\(file.count - fileByteCount) bytes were appended to the encrypted file, behind byte "
          + "\(fileByteCount); copy it again")
    }
  }
}
