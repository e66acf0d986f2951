import Crypto
import Foundation

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

  // MARK: Files

  /// Reads a key.
  ///
  /// - Parameters:
  ///   - path: A file that only its owner may read, or a pipe.
  ///   - run: The run's directory, which the file must not be in; nil: there is none.
  /// - Throws: `PrivacyError`.
  package init(readFrom path: String, forRunIn run: String?) throws(PrivacyError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .keyMissing(path: path, reason: Self.lastError) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .keyMissing(path: path, reason: Self.lastError)
    }
    if status.st_mode & S_IFMT == S_IFREG {
      guard status.st_mode & 0o077 == 0 else {
        throw .keyReadable(path: path, mode: status.st_mode & 0o777)
      }
      if let run, Self.isWithin(path, run) { throw .keyInRun(path: path, run: run) }
    }
    var bytes = [UInt8](repeating: 0, count: 256)
    var count = 0
    while count < bytes.count {
      let read = bytes.withUnsafeMutableBytes {
        Foundation.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
      }
      guard read >= 0 else { throw .keyMissing(path: path, reason: Self.lastError) }
      if read == 0 { break }
      count += read
    }
    guard let found = Self.parsed(Array(bytes[..<count])) else { throw .keyMalformed(path: path) }
    key = SymmetricKey(data: found)
  }

  /// 32 bytes, or 64 hexadecimal digits and perhaps the end of a line.
  private static func parsed(_ bytes: [UInt8]) -> [UInt8]? {
    if bytes.count == byteCount { return bytes }
    var text = bytes[...]
    while text.last == UInt8(ascii: "\n") || text.last == UInt8(ascii: "\r") { text.removeLast() }
    guard text.count == 2 * byteCount else { return nil }
    let digits = text.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == text.count else { return nil }
    return (0..<byteCount).map { UInt8(digits[2 * $0] << 4 | digits[2 * $0 + 1]) }
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

  /// Makes a new key and stores it, readable by its owner only.
  ///
  /// - Parameter path: A file that is not there yet.
  /// - Returns: The key's fingerprint.
  /// - Throws: `PrivacyError`.
  package static func create(at path: String) throws(PrivacyError) -> String {
    let made = PrivacyKey(SymmetricKey(size: .bits256))
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw errno == EEXIST
        ? .keyExists(path: path) : .keyNotWritten(path: path, reason: lastError)
    }
    defer { close(descriptor) }
    var line = Array((hexadecimal(made.bytes) + "\n").utf8)
    defer { for index in line.indices { line[index] = 0 } }
    guard fchmod(descriptor, 0o600) == 0,
      line.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == line.count,
      fsync(descriptor) == 0
    else {
      let reason = lastError
      unlink(path)
      throw .keyNotWritten(path: path, reason: reason)
    }
    return made.fingerprint
  }

  private static var lastError: String { String(cString: strerror(errno)) }

  private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }

  // MARK: What is made of it

  /// Tells keys apart and says nothing of the key: the first 64 bits of a keyed hash, in hexadecimal digits.
  package var fingerprint: String {
    let code = HMAC<SHA256>.authenticationCode(
      for: Array("lockstep privacy key fingerprint 1".utf8), using: key)
    return Self.hexadecimal(code.prefix(8))
  }

  /// The key of one training: another one for any other configuration, data or version, so that no two trainings
  /// ever have the same noise, of which the difference of what they publish would tell.
  ///
  /// - Parameter training: All that decides what is trained, in words.
  package func derived(for training: String) -> PrivacyKey {
    PrivacyKey(
      HKDF<SHA256>.deriveKey(
        inputKeyMaterial: key, info: Array(("lockstep private training 1\n" + training).utf8),
        outputByteCount: Self.byteCount))
  }

  /// Words that nobody can tell from random ones without the key; see `Keystream`.
  package var keystream: Keystream { Keystream(key: key) }
}
