import Foundation
import LockstepCheckpoints
import TestSupport

/// One case: a file of a reader's specimens, damaged. The same seed, reader and number give the same bytes.
struct DamagedCase {
  /// The damaged file, below the reader's folder.
  let file: String
  let bytes: [UInt8]
  /// Whether a checkpoint's manifest was made to agree with it, or with itself.
  let isSigned: Bool
  /// Whether the damaged file differs from the specimen at all.
  let isChanged: Bool
  /// All files to be written: the damaged one, and a manifest that signs it; or a manifest, sealed anew.
  private(set) var files: [(name: String, bytes: [UInt8])]

  init(subject: Subject, specimens: URL, seed: UInt64, number: Int) throws {
    // FNV-1a: a hash of Swift's own differs from process to process.
    let name = subject.name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    var generator = SeededGenerator(
      seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ name &+ UInt64(number) &* 0xD134_2543_DE82_EF95)
    let folder = specimens.appending(path: subject.folder)
    let names = subject.files.flatMap { Self.paths($0, in: folder) }
    guard let file = names.randomElement(using: &generator) else {
      throw CocoaError(.fileNoSuchFile)
    }
    self.file = file
    let original = [UInt8](try Data(contentsOf: folder.appending(path: file)))
    var mutator = Mutator(generator: generator)
    bytes = mutator.damaged(original, name: file, in: folder)
    isChanged = bytes != original
    files = [(file, bytes)]
    let manifest = (file as NSString).deletingLastPathComponent + "/manifest.json"
    let isManifest = (file as NSString).lastPathComponent == "manifest.json"
    guard subject.isSigned, mutator.chance(3, of: 4) else {
      isSigned = false
      return
    }
    if isManifest {
      // What can not be sealed is refused before its seal is looked at.
      let sealed = try? SealedManifest(json: Data(bytes)).json()
      isSigned = sealed != nil
      if let sealed { files = [(file, [UInt8](sealed))] }
    } else {
      var signed = try SealedManifest(json: Data(contentsOf: folder.appending(path: manifest)))
      try signed.sign((file as NSString).lastPathComponent, bytes)
      files.append((manifest, [UInt8](try signed.json())))
      isSigned = true
    }
  }

  private init(undamaged file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
    isSigned = false
    isChanged = false
    files = []
  }

  /// Every file of a reader's specimens as it is.
  static func undamaged(_ subject: Subject, specimens: URL) throws -> [DamagedCase] {
    let folder = specimens.appending(path: subject.folder)
    return try subject.files.flatMap { paths($0, in: folder) }.map { file in
      DamagedCase(
        undamaged: file, bytes: [UInt8](try Data(contentsOf: folder.appending(path: file))))
    }
  }

  /// A file, or where the name ends with "/*" all files of a folder.
  private static func paths(_ name: String, in folder: URL) -> [String] {
    guard name.hasSuffix("/*") else { return [name] }
    let parent = String(name.dropLast(2))
    let path = parent.isEmpty ? folder.path : folder.appending(path: parent).path
    let found = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return found.sorted().map { parent.isEmpty ? $0 : parent + "/" + $0 }
  }
}
