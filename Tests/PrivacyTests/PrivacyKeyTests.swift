import Foundation
import LockstepPrivacy
import Testing

@Suite struct PrivacyKeyTests {
  /// A folder of the test's own.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-privacy-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func write(_ bytes: [UInt8], to path: String, mode: Int = 0o600) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  @Test func aMadeKeyIsReadAgainAndIsItsOwnersAlone() throws {
    try withFolder { folder in
      let path = folder + "/key"
      let fingerprint = try PrivacyKey.create(at: path)
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o600)
      #expect(try PrivacyKey(readFrom: path, forRunIn: nil).fingerprint == fingerprint)
      #expect(throws: PrivacyError.keyExists(path: path)) { try PrivacyKey.create(at: path) }
      #expect(try PrivacyKey.create(at: folder + "/other") != fingerprint)
    }
  }

  @Test func bytesAndHexadecimalDigitsAreTheSameKey() throws {
    try withFolder { folder in
      let bytes = (0..<32).map { UInt8($0 * 7) }
      try write(bytes, to: folder + "/raw")
      let digits = bytes.map { String(format: "%02X", $0) }.joined()
      try write(Array((digits + "\r\n").utf8), to: folder + "/text")
      for name in ["raw", "text"] {
        #expect(try PrivacyKey(readFrom: folder + "/" + name, forRunIn: nil).bytes == bytes)
      }
    }
  }

  @Test(arguments: [0, 31, 33, 63, 65, 200, 1000])
  func anyOtherLengthIsNoKey(count: Int) throws {
    try withFolder { folder in
      let path = folder + "/key"
      try write([UInt8](repeating: UInt8(ascii: "a"), count: count), to: path)
      #expect(throws: PrivacyError.keyMalformed(path: path)) {
        try PrivacyKey(readFrom: path, forRunIn: nil)
      }
    }
  }

  @Test func aKeyThatOthersMayReadIsRefused() throws {
    try withFolder { folder in
      let path = folder + "/key"
      try write([UInt8](repeating: 1, count: 32), to: path, mode: 0o640)
      #expect(throws: PrivacyError.keyReadable(path: path, mode: 0o640)) {
        try PrivacyKey(readFrom: path, forRunIn: nil)
      }
    }
  }

  @Test func aKeyInTheRunsDirectoryIsRefusedAlsoThroughALink() throws {
    try withFolder { folder in
      let run = folder + "/run"
      try FileManager.default.createDirectory(
        atPath: run + "/deep", withIntermediateDirectories: true)
      try write([UInt8](repeating: 1, count: 32), to: run + "/deep/key")
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link", withDestinationPath: run + "/deep/key")
      try write([UInt8](repeating: 1, count: 32), to: folder + "/running")
      for path in [run + "/deep/key", folder + "/link"] {
        #expect(throws: PrivacyError.keyInRun(path: path, run: run)) {
          try PrivacyKey(readFrom: path, forRunIn: run)
        }
      }
      _ = try PrivacyKey(readFrom: folder + "/running", forRunIn: run)
    }
  }

  @Test func nothingThatIsSaidOfAKeyHoldsIt() throws {
    try withFolder { folder in
      let path = folder + "/key"
      _ = try PrivacyKey.create(at: path)
      let key = try PrivacyKey(readFrom: path, forRunIn: nil)
      let digits = key.bytes.map { String(format: "%02x", $0) }.joined()
      var dumped = ""
      dump(key, to: &dumped)
      for text in ["\(key)", String(reflecting: key), dumped, key.fingerprint] {
        #expect(
          !text.contains(digits.prefix(16)) && !text.contains("\(key.bytes[0]), \(key.bytes[1])"))
      }
    }
  }
}
