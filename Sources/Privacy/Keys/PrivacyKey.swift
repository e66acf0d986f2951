import Crypto
import Foundation
import LockstepKeys

/// The secret that a run's noise and samples are drawn with.
///
/// It is no text, and has no description: nothing prints it by mistake.
package struct PrivacyKey: Sendable {
  private let key: SymmetricKey

  private static let byteCount = 32

  init(_ key: SymmetricKey) { self.key = key }

  /// - Parameter bytes: 32.
  package init(bytes: [UInt8]) {
    precondition(bytes.count == Self.byteCount, "a key has 32 bytes, not \(bytes.count)")
    key = SymmetricKey(data: bytes)
  }

  /// The bytes, to be handed to other ranks.
  package var bytes: [UInt8] { key.withUnsafeBytes(Array.init) }

  /// Reads a key.
  ///
  /// - Parameters:
  ///   - path: A file that only its owner may read, or a pipe; see `KeySource.file`.
  ///   - run: The run's directory, which the file must not be in; nil: there is none.
  /// - Throws: `PrivacyError`.
  package init(readFrom path: String, forRunIn run: String?) throws(PrivacyError) {
    if let run, Self.isWithin(path, run) { throw .keyInRun(path: path, run: run) }
    do throws(KeyError) {
      key = try KeySource.file(path).read().withBytes { SymmetricKey(data: $0) }
    } catch {
      throw .key(path: path, error)
    }
  }

  /// Whether a file lies in a directory, wherever links lead.
  private static func isWithin(_ path: String, _ directory: String) -> Bool {
    func real(_ path: String) -> String? {
      guard let resolved = realpath(path, nil) else { return nil }
      defer { free(resolved) }
      return String(cString: resolved)
    }
    guard let file = real(path), let directory = real(directory) else { return false }
    return file.hasPrefix(directory == "/" ? "/" : directory + "/")
  }

  // MARK: What is made of it

  /// Tells keys apart and says nothing of the key: the first 64 bits of a keyed hash, in hexadecimal digits.
  package var fingerprint: String {
    let code = HMAC<SHA256>.authenticationCode(
      for: Array("lockstep privacy key fingerprint 1".utf8), using: key)
    return code.prefix(8).map { String(format: "%02x", $0) }.joined()
  }

  /// The key of one training: another one for any other configuration, data or version, so that no two trainings
  /// ever have the same noise, of which the difference of what they publish would tell.
  ///
  /// - Parameter training: All that decides what is trained, in words.
  package func derived(for training: String) -> PrivacyKey {
    derived("lockstep private training 1\n" + training)
  }

  /// The key of this training where it goes on from one that had another: never that of a training which was from its
  /// start as this one is now.
  ///
  /// - Parameter past: Tells the trainings apart that it may have gone on from.
  package func derived(after past: String) -> PrivacyKey {
    derived("lockstep private training that goes on 1\n" + past)
  }

  private func derived(_ info: String) -> PrivacyKey {
    PrivacyKey(
      HKDF<SHA256>.deriveKey(
        inputKeyMaterial: key, info: Array(info.utf8), outputByteCount: Self.byteCount))
  }

  /// Words that nobody can tell from random ones without the key; see `Keystream`.
  package var keystream: Keystream { Keystream(key: key) }
}
