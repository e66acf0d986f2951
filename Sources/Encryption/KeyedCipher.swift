import Foundation
import LockstepFiles
import LockstepKeys
import Synchronization

/// Decrypts and encrypts with the key of a source, which is read when it is needed for the first time, and once.
package final class KeyedCipher: FileCipher {
  private enum State: Sendable {
    case unread(KeySource)
    case read(SecretKey)
    case failed(KeyError)
  }

  private let state: Mutex<State>

  package init(_ source: KeySource) { state = Mutex(.unread(source)) }

  /// The key.
  ///
  /// - Throws: `KeyError` where it can not be read.
  package func key() throws(KeyError) -> SecretKey {
    let result = state.withLock { state -> Result<SecretKey, KeyError> in
      switch state {
      case .read(let key): return .success(key)
      case .failed(let error): return .failure(error)
      case .unread(let source):
        do throws(KeyError) {
          let key = try source.read()
          state = .read(key)
          return .success(key)
        } catch {
          state = .failed(error)
          return .failure(error)
        }
      }
    }
    return try result.get()
  }

  package func open(
    _ stored: MappedFile, path: String
  ) throws(FileError) -> any EncryptedContent {
    try EncryptedFileReader(stored, key: key(for: path, to: "decrypt"), path: path)
  }

  package func encryption(
    ofByteCount count: Int, path: String
  ) throws(FileError) -> any ContentEncryption {
    FileEncryption(key: try key(for: path, to: "encrypt"), contentByteCount: count)
  }

  private func key(for path: String, to operation: String) throws(FileError) -> SecretKey {
    do throws(KeyError) {
      return try key()
    } catch {
      throw FileError(
        operation: operation, path: path, code: ENOKEY,
        explanation: "the key can not be read: \(error)")
    }
  }
}
