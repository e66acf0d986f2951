import Crypto
import Foundation
import LockstepFiles

/// A key of 32 bytes, in memory that is wiped with its last reference.
public final class SecretKey: Sendable {
  /// Bytes of a key.
  public static let byteCount = 32

  private let bytes: SecretBytes

  init(_ bytes: SecretBytes) {
    precondition(bytes.count == Self.byteCount)
    self.bytes = bytes
  }

  /// A key that nobody has had before, of the system's random bytes.
  public static func random() -> SecretKey {
    let bytes = SecretBytes(count: byteCount)
    bytes.withMutableBytes { bytes in
      var generator = SystemRandomNumberGenerator()
      for offset in stride(from: 0, to: byteCount, by: 8) {
        bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
      }
    }
    return SecretKey(bytes)
  }

  /// Calls `body` with the 32 bytes. What it copies is for it to wipe.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withBytes(body)
  }

  /// A key for one purpose, from which neither this one nor those for other purposes can be told:
  /// HKDF with SHA-256 (RFC 5869).
  ///
  /// - Parameters:
  ///   - purpose: A text of its own for each use: `lockstep redaction 1`.
  ///   - salt: What tells keys for one purpose apart; may be known to anyone. Default: none.
  ///   - byteCount: Of the result. Default: 32.
  /// - Returns: A key that swift-crypto wipes with its last reference.
  public func derived(
    for purpose: String, salt: [UInt8] = [], byteCount: Int = 32
  ) -> SymmetricKey {
    HKDF<SHA256>.deriveKey(
      inputKeyMaterial: bytes.withBytes { SymmetricKey(data: $0) }, salt: salt,
      info: Array(purpose.utf8), outputByteCount: byteCount)
  }

  /// Writes the key into a new file that its owner alone can read and write.
  ///
  /// - Throws: `KeyError.exists` where something has the name: what a lost key has encrypted is lost, too.
  public func write(to path: String) throws(KeyError) {
    do throws(FileError) {
      let file = try OutputFile(path: path, mode: 0o600, bytesNeeded: Self.byteCount)
      do throws(FileError) {
        try bytes.withBytes { (bytes) throws(FileError) in try file.write(bytes) }
        try file.finish()
        try FileSystem.synchronize(directory: FileSystem.parent(of: path))
      } catch {
        try? FileSystem.removeFile(path)
        throw error
      }
    } catch {
      throw error.code == EEXIST ? .exists(path: path) : .file(error)
    }
  }
}
