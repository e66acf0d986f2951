import Crypto
import Foundation
import LockstepFiles
import LockstepKeys

/// Encrypts and decrypts the chunks of one file: AES-256-GCM under a key of the file's own.
///
/// The nonce is the chunk's number and whether it is the last one, and the header goes into every tag. So a
/// chunk in another place, of another file, of a file that was cut or made longer is not accepted (the
/// STREAM construction; Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015).
struct ChunkCipher: Sendable {
  let header: EncryptionHeader
  private let headerBytes: Data
  private let key: SymmetricKey

  /// A cipher for a new file.
  ///
  /// - Parameter contentByteCount: Bytes that will be encrypted in all.
  init(
    key: SecretKey, contentByteCount: Int,
    chunkByteCount: Int = EncryptionHeader.chunkByteCount
  ) {
    var generator = SystemRandomNumberGenerator()
    let salt = (0..<EncryptionHeader.saltByteCount).map { _ in
      UInt8.random(in: 0 ... .max, using: &generator)
    }
    self.init(
      key: key,
      header: EncryptionHeader(
        chunkByteCount: chunkByteCount, contentByteCount: contentByteCount, salt: salt,
        check: Self.check(of: key, salt: salt)))
  }

  private init(key: SecretKey, header: EncryptionHeader) {
    self.header = header
    headerBytes = Data(header.bytes)
    self.key = key.derived(for: "lockstep encryption: chunks, version 1", salt: header.salt)
  }

  /// The cipher of a file that is there.
  ///
  /// - Throws: `FileError`, with `EKEYREJECTED` where the file was encrypted with another key.
  init(key: SecretKey, header: EncryptionHeader, path: String) throws(FileError) {
    guard Self.check(of: key, salt: header.salt) == header.check else {
      throw FileError(
        operation: "decrypt", path: path, code: EKEYREJECTED,
        explanation: "it was encrypted with another key than the one given")
    }
    self.init(key: key, header: header)
  }

  private static func check(of key: SecretKey, salt: [UInt8]) -> [UInt8] {
    key.derived(
      for: "lockstep encryption: key check, version 1", salt: salt,
      byteCount: EncryptionHeader.checkByteCount
    ).withUnsafeBytes { Array($0) }
  }

  private func nonce(_ index: Int) throws -> AES.GCM.Nonce {
    var bytes: [UInt8] = [0, 0, 0, index == header.chunkCount - 1 ? 1 : 0]
    withUnsafeBytes(of: UInt64(index).bigEndian) { bytes += $0 }
    return try AES.GCM.Nonce(data: bytes)
  }

  /// A chunk with its tag.
  ///
  /// - Parameter content: As many bytes as the chunk of this number has.
  func seal(_ content: UnsafeRawBufferPointer, index: Int) -> [UInt8] {
    precondition(content.count == header.content(ofChunk: index).count, "not a chunk's bytes")
    do {
      let box = try AES.GCM.seal(
        content, using: key, nonce: nonce(index), authenticating: headerBytes)
      return Array(box.ciphertext) + Array(box.tag)
    } catch {
      preconditionFailure("AES-GCM takes a key of 32 bytes and a nonce of 12: \(error)")
    }
  }

  /// A chunk's content.
  ///
  /// - Parameter stored: With its tag.
  /// - Throws: `FileError`, with `EBADMSG`, where it is not what was written there.
  func open(
    _ stored: UnsafeRawBufferPointer, index: Int, path: String
  ) throws(FileError) -> Data {
    do {
      let border = stored.count - EncryptionHeader.tagByteCount
      let box = try AES.GCM.SealedBox(
        nonce: nonce(index), ciphertext: UnsafeRawBufferPointer(rebasing: stored[..<border]),
        tag: UnsafeRawBufferPointer(rebasing: stored[border...]))
      return try AES.GCM.open(box, using: key, authenticating: headerBytes)
    } catch {
      let place = header.stored(ofChunk: index)
      throw FileError(
        operation: "decrypt", path: path, code: EBADMSG,
        explanation: "chunk \(index) of \(header.chunkCount) (bytes \(place.lowerBound) to "
          + "\(place.upperBound - 1)) is not what was written there: it was changed, or is of another "
          + "place or file; copy the file again")
    }
  }
}
