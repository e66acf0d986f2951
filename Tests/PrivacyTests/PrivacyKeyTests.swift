import Foundation
import LockstepKeys
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

  @Test func aFileThatHoldsNoUsableKeyIsRefused() throws {
    try withFolder { folder in
      let (short, open) = (folder + "/short", folder + "/open")
      try write([1, 2, 3], to: short)
      try write([UInt8](repeating: 1, count: 32), to: open, mode: 0o640)
      for (path, words) in [
        (folder + "/none", "lockstep key --output"), (short, "3 bytes are no key"),
        (open, "may be read by others (mode 640)"),
      ] {
        let error = #expect(throws: PrivacyError.self) {
          try PrivacyKey(readFrom: path, forRunIn: nil)
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix("privacy.key_file: ") && text.contains(words), "\(text)")
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
      try SecretKey.random().write(to: path)
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
