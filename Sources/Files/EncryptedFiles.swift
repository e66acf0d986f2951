import Foundation
import Synchronization

/// What an encrypted file holds.
package protocol EncryptedContent: Sendable {
  /// Number of bytes, decrypted.
  var count: Int { get }

  /// Decrypts some of the bytes, and no more chunks than they lie in. Several threads may read at a time.
  ///
  /// - Parameters:
  ///   - range: In 0 ..< count.
  ///   - destination: As many bytes.
  /// - Throws: `FileError` with the chunk that was changed.
  func read(
    _ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer
  ) throws(FileError)
}

/// A content that is encrypted as it comes, piece by piece.
package protocol ContentEncryption {
  /// Takes content.
  ///
  /// - Returns: What can be written of the encrypted file.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> [UInt8]

  /// - Returns: The rest of the file.
  mutating func finish() -> [UInt8]
}

/// Opens and makes encrypted files.
package protocol FileCipher: Sendable {
  /// Begins an encrypted file.
  ///
  /// - Parameters:
  ///   - count: Bytes of content that will come.
  ///   - path: What errors call it.
  /// - Throws: `FileError` where the key can not be read.
  func encryption(
    ofByteCount count: Int, path: String
  ) throws(FileError) -> any ContentEncryption

  /// - Parameters:
  ///   - stored: The file as it is stored.
  ///   - path: What errors call it.
  /// - Throws: `FileError` where there is no key or another one, or the file is damaged.
  func open(
    _ stored: MappedFile, path: String
  ) throws(FileError) -> any EncryptedContent
}

/// How all readers meet encrypted files.
///
/// Whoever reads a file reads it by `MappedFile`, which decrypts. So there is one place that knows of
/// encryption, and no reader that takes ciphertext for something else. The key is the process's: the
/// command line, or a program by `FileKey`, installs what reads it before anything is opened.
package enum EncryptedFiles {
  /// The first bytes of every encrypted file.
  package static let magic: [UInt8] = [0x89] + Array("LSCRYPT".utf8)

  private static let cipher = Mutex<(any FileCipher)?>(nil)

  /// From now on files are decrypted and encrypted by this; nil: by nothing.
  package static func install(_ cipher: (any FileCipher)?) {
    self.cipher.withLock { $0 = cipher }
  }

  /// Begins an encrypted file.
  ///
  /// - Parameters:
  ///   - count: Bytes of content that will come.
  ///   - path: What errors call it.
  /// - Throws: `FileError`, with `ENOKEY` where there is no key.
  package static func encryption(
    ofByteCount count: Int, path: String
  ) throws(FileError) -> any ContentEncryption {
    guard let cipher = cipher.withLock({ $0 }) else {
      throw FileError(
        operation: "encrypt", path: path, code: ENOKEY,
        explanation: "there is no key; give --key-file, --key-descriptor or --key-command, or set "
          + "LOCKSTEP_KEY_FILE; in a program of your own call FileKey.use; 'lockstep key --output FILE' "
          + "makes one")
    }
    return try cipher.encryption(ofByteCount: count, path: path)
  }

  /// Whether bytes are those of an encrypted file.
  package static func isEncrypted(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.starts(with: magic)
  }

  /// Opens an encrypted file.
  ///
  /// - Throws: `FileError`, with `ENOKEY` where there is no key.
  package static func open(
    _ stored: MappedFile, path: String
  ) throws(FileError) -> any EncryptedContent {
    guard let cipher = cipher.withLock({ $0 }) else { throw noKey(path) }
    return try cipher.open(stored, path: path)
  }

  /// Nothing says where the key is.
  private static func noKey(_ path: String) -> FileError {
    FileError(
      operation: "read", path: path, code: ENOKEY,
      explanation: "it is encrypted, and there is no key; give --key-file, --key-descriptor or "
        + "--key-command, or set LOCKSTEP_KEY_FILE; in a program of your own call FileKey.use; or decrypt "
        + "it with 'lockstep decrypt'")
  }
}
