import Foundation
import LockstepFiles
import LockstepKeys
import TestSupport
import Testing

/// Keys from files, descriptors and commands.
@Suite struct KeySourceTests {
  private static let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
  private static let bytes = [UInt8](0..<32)

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A key's file with these bytes.
  private func file(_ content: [UInt8], mode: mode_t = 0o600) throws -> String {
    let path = try directory.write("key", content)
    #expect(chmod(path, mode) == 0)
    return path
  }

  @Test(arguments: [
    bytes, Array(text.utf8), Array("\(text.uppercased())\r\n".utf8),
    Array("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n".utf8),
  ])
  func aKeyIsReadAsBytesHexadecimalOrBase64(content: [UInt8]) throws {
    let key = try KeySource.file(try file(content)).read()
    #expect(key.withBytes { Array($0) } == Self.bytes)
  }

  @Test(arguments: [
    [], [UInt8](repeating: 7, count: 31), [UInt8](repeating: 7, count: 33),
    Array("password\n".utf8), Array((text.dropLast() + "g").utf8),
    // The two bits after the last byte are not zero.
    Array("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=".utf8),
    [UInt8](repeating: 7, count: 1 << 20),
    // As long as a key, and typed: passwords, and half of the digits.
    Array("correct horse battery staple 123".utf8), Array("correct horse battery staple 12\n".utf8),
    Array(text.utf8.prefix(32)),
  ])
  func whatIsNoKeyIsRefused(content: [UInt8]) throws {
    let path = try file(content)
    let error = #expect(throws: KeyError.self) { try KeySource.file(path).read() }
    guard case .notAKey = error else { throw try #require(error) }
  }

  @Test func aKeyThatLooksTypedButForOneByteIsRead() throws {
    let bytes = Array("correct horse battery staple 12".utf8) + [0x7f]
    let key = try KeySource.file(try file(bytes)).read()
    #expect(key.withBytes { Array($0) } == bytes)
  }

  @Test(arguments: [mode_t(0o640), 0o604, 0o620, 0o644, 0o666])
  func aFileThatOthersCanUseIsRefused(mode: mode_t) throws {
    let path = try file(Self.bytes, mode: mode)
    #expect(throws: KeyError.openToOthers(path: path, mode: Int(mode))) {
      try KeySource.file(path).read()
    }
  }

  @Test func aDescriptorIsReadToItsEndAndClosed() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    #expect(write(ends[1], Self.bytes, 32) == 32)
    close(ends[1])
    let key = try KeySource.descriptor(ends[0]).read()
    #expect(key.withBytes { Array($0) } == Self.bytes)
  }

  @Test func aDescriptorThatIsNotOpenIsRefused() throws {
    #expect(throws: KeyError.closedDescriptor(9999)) { try KeySource.descriptor(9999).read() }
  }

  @Test func aCommandPrintsTheKey() throws {
    let key = try KeySource.command("printf %s '\(Self.text)'").read()
    #expect(key.withBytes { Array($0) } == Self.bytes)
  }

  @Test func aCommandThatFailsIsAnErrorWhateverItPrints() throws {
    #expect(throws: KeyError.command(status: 3)) {
      try KeySource.command("printf %s '\(Self.text)'; exit 3").read()
    }
    #expect(throws: KeyError.command(status: 128 + SIGKILL)) {
      try KeySource.command("kill -KILL $$").read()
    }
  }

  @Test func aCommandThatPrintsWithoutEndIsStopped() throws {
    #expect(throws: KeyError.notAKey(source: "the key command", byteCount: 1024)) {
      try KeySource.command("cat /dev/zero").read()
    }
  }

  @Test func aNewKeyIsItsOwnersAloneAndNeverOverwrites() throws {
    let path = directory.path + "/new"
    let key = SecretKey.random()
    try key.write(to: path)
    #expect(FileSystem.permissions(of: path) == 0o600)
    let read = try KeySource.file(path).read()
    #expect(read.withBytes { Array($0) } == key.withBytes { Array($0) })
    #expect(throws: KeyError.exists(path: path)) { try SecretKey.random().write(to: path) }
    let still = try KeySource.file(path).read()
    #expect(still.withBytes { Array($0) } == key.withBytes { Array($0) })
    #expect(SecretKey.random().withBytes { Array($0) } != key.withBytes { Array($0) })
  }

  /// RFC 5869 by another implementation: Python's hmac, extract with the salt, one step of expand.
  @Test func derivedKeysAreHKDFsAndDifferByPurposeAndSalt() throws {
    let key = try KeySource.file(try file(Self.bytes)).read()
    func derived(_ purpose: String, _ salt: [UInt8]) -> String {
      key.derived(for: purpose, salt: salt).withUnsafeBytes { $0.hexadecimal }
    }
    let expected = "3df53ddd3c77653348f85eafd2138d8213537b3801819e12dc74a5b4559ef16a"
    #expect(derived("a purpose", [1, 2, 3]) == expected)
    #expect(derived("another", [1, 2, 3]) != derived("a purpose", [1, 2, 3]))
    #expect(derived("a purpose", [1, 2, 4]) != derived("a purpose", [1, 2, 3]))
  }
}
