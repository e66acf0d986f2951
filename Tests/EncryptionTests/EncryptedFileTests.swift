import Foundation
import LockstepEncryption
import LockstepFiles
import LockstepKeys
import TestSupport
import Testing

/// Encrypted files, and what is done to them.
@Suite struct EncryptedFileTests {
  private static let chunk = 64 << 10
  private static let header = 80
  private let directory: TemporaryDirectory
  private let key = SecretKey.random()

  init() throws { directory = try TemporaryDirectory() }

  private func content(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
  }

  private func encrypted(_ content: [UInt8]) -> [UInt8] {
    content.withUnsafeBytes { FileEncryption.encrypted($0, key: key) }
  }

  /// What a reader of the file gets of it.
  private func read(_ file: [UInt8], key: SecretKey? = nil) throws -> [UInt8] {
    let stored = try MappedFile(storedAt: directory.write("file", file))
    let reader = try EncryptedFileReader(stored, key: key ?? self.key, path: "file")
    var bytes = [UInt8](repeating: 0, count: reader.count)
    try bytes.withUnsafeMutableBytes { try reader.read(0..<reader.count, into: $0) }
    return bytes
  }

  /// What is wrong with a file.
  private func fault(_ file: [UInt8], key: SecretKey? = nil) -> FileError? {
    do {
      _ = try read(file, key: key)
      return nil
    } catch {
      return error as? FileError
    }
  }

  @Test(arguments: [0, 1, 1000, 65535, 65536, 65537, 131072, 400_000, 3_000_000])
  func whatIsEncryptedIsReadBack(count: Int) throws {
    let content = content(count)
    let file = encrypted(content)
    #expect(file.count == FileEncryption.fileByteCount(ofContent: count))
    #expect(try read(file) == content)
    // Nothing of it is legible.
    if count >= 1000 {
      #expect(Data(file).range(of: Data(content[..<16])) == nil)
    }
    #expect(encrypted(content) != file, "each file has a salt of its own")
  }

  @Test func piecesOfAnyLengthEncryptTheSameContent() throws {
    let content = content(300_000)
    for step in [1000, 65536, 65537, 200_000] {
      var encryption = FileEncryption(key: key, contentByteCount: content.count)
      var file: [UInt8] = []
      for start in stride(from: 0, to: content.count, by: step) {
        file += content[start..<min(start + step, content.count)].withUnsafeBytes {
          encryption.append($0)
        }
      }
      file += encryption.finish()
      #expect(try read(file) == content)
    }
  }

  @Test func anyRangeIsReadWithTheChunksThatItNeedsAlone() throws {
    let content = content(10 * Self.chunk + 5)
    var file = encrypted(content)
    // A chunk that nobody asks for may be damaged.
    file[Self.header + 7 * (Self.chunk + 16) + 100] ^= 1
    let stored = try MappedFile(storedAt: directory.write("file", file))
    let reader = try EncryptedFileReader(stored, key: key, path: "file")
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<300 {
      let start = Int.random(in: 0..<7 * Self.chunk, using: &generator)
      let end = Int.random(in: start...min(start + 200_000, 7 * Self.chunk), using: &generator)
      var bytes = [UInt8](repeating: 0, count: end - start)
      try bytes.withUnsafeMutableBytes { try reader.read(start..<end, into: $0) }
      #expect(bytes == Array(content[start..<end]))
    }
    var byte: [UInt8] = [0]
    let error = #expect(throws: FileError.self) {
      try byte.withUnsafeMutableBytes {
        try reader.read(7 * Self.chunk..<7 * Self.chunk + 1, into: $0)
      }
    }
    #expect(error?.reason.contains("chunk 7 of 11") == true)
  }

  @Test func anotherKeyIsToldApartFromDamage() {
    let file = encrypted(content(1000))
    let error = fault(file, key: .random())
    #expect(error?.code == EKEYREJECTED)
    #expect(error?.reason.contains("another key") == true)
  }

  /// Each byte of a header, and one of each part of the chunks.
  @Test func everyChangedByteIsFound() {
    let file = encrypted(content(3 * Self.chunk + 100))
    let stored = Self.chunk + 16
    var places = Array(8..<Self.header)
    for chunk in 0..<4 {
      let tag = chunk < 3 ? Self.chunk : 100
      for offset in [0, 50, 99, tag, tag + 15] {
        places.append(Self.header + chunk * stored + offset)
      }
    }
    for place in places {
      var changed = file
      changed[place] ^= 0x40
      let error = fault(changed)
      #expect(error?.code == EBADMSG, "byte \(place): \(String(describing: error))")
      if place >= Self.header {
        let chunk = (place - Self.header) / stored
        #expect(error?.reason.contains("chunk \(chunk) of 4") == true, "byte \(place)")
      }
    }
  }

  @Test func everyChangedByteOfAHeaderWhoseChecksumWasMadeToFitIsFound() {
    let file = encrypted(content(1000))
    for place in 0..<72 {
      var forged = file
      forged[place] ^= 0x40
      forged[72..<80] = sha256(Array(forged[..<72]))[..<8]
      let error = fault(forged)
      #expect([EBADMSG, EKEYREJECTED].contains(error?.code), "byte \(place)")
    }
  }

  @Test func cutAndLongerFilesAreFound() {
    let file = encrypted(content(2 * Self.chunk + 100))
    for length in [9, 79, 80, 1000, Self.header + Self.chunk + 16, file.count - 1] {
      let error = fault(Array(file[..<length]))
      #expect(error?.code == EBADMSG && error?.reason.contains("cut") == true, "\(length) bytes")
    }
    let longer = fault(file + [0])
    #expect(longer?.reason.contains("1 bytes were appended") == true)
  }

  /// Who has no key but knows the format writes another length and its checksum.
  @Test func aCutFileWhoseHeaderWasMadeToFitIsFound() throws {
    let content = content(3 * Self.chunk)
    let file = encrypted(content)
    let shorter = encrypted(Array(content[..<(2 * Self.chunk)]))
    var forged = Array(file[..<Self.header])
    forged[16..<24] = shorter[16..<24]
    forged += file[Self.header..<shorter.count]
    forged[72..<80] = sha256(Array(forged[..<72]))[..<8]
    let error = fault(forged)
    #expect(error?.reason.contains("chunk 0 of 2") == true, "\(String(describing: error))")
  }

  private func sha256(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    // By the program that every system has, not by the code under test.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try? process.run()
    input.fileHandleForWriting.write(Data(bytes))
    try? input.fileHandleForWriting.close()
    let text = Array(output.fileHandleForReading.readDataToEndOfFile().prefix(64))
    return stride(from: 0, to: text.count, by: 2).map { place in
      UInt8(String(decoding: text[place..<place + 2], as: UTF8.self), radix: 16) ?? 0
    }[...]
  }

  @Test func chunksThatChangedPlacesOrFilesAreFound() {
    let file = encrypted(content(3 * Self.chunk))
    let other = encrypted(content(3 * Self.chunk))
    let stored = Self.chunk + 16
    func chunk(_ index: Int, of file: [UInt8]) -> ArraySlice<UInt8> {
      file[Self.header + index * stored..<Self.header + (index + 1) * stored]
    }
    let header = file[..<Self.header]
    let swapped = header + chunk(1, of: file) + chunk(0, of: file) + chunk(2, of: file)
    #expect(fault(Array(swapped))?.reason.contains("chunk 0 of 3") == true)
    let exchanged = header + chunk(0, of: file) + chunk(1, of: other) + chunk(2, of: file)
    #expect(fault(Array(exchanged))?.reason.contains("chunk 1 of 3") == true)
  }

  // MARK: Directories

  @Test func aDirectoryComesBackAsItWas() throws {
    for (name, count) in [("a.bin", 200_000), ("b/c/d.json", 10), ("b/empty", 0)] {
      try directory.write("plain/" + name, content(count, seed: UInt64(count)))
    }
    let (plain, secret, back) = (
      directory.path + "/plain", directory.path + "/secret", directory.path + "/back"
    )
    let outcome = try PathEncryption(.encrypt, key: key).run(plain, to: secret)
    #expect(outcome.files == 3 && outcome.bytesRead == 200_010)
    let again = try PathEncryption(.decrypt, key: key).run(secret, to: back)
    #expect(again.bytesWritten == 200_010)
    for name in ["a.bin", "b/c/d.json", "b/empty"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: plain + "/" + name))
      #expect(try Data(contentsOf: URL(fileURLWithPath: back + "/" + name)) == bytes)
      #expect(try Data(contentsOf: URL(fileURLWithPath: secret + "/" + name)) != bytes)
    }
  }

  /// A process of another container, or of another host, has the same number.
  @Test func whatAKilledProcessLeftIsNotTakenOver() throws {
    try directory.write("plain/a", [1, 2, 3])
    let left = "secret.\(ProcessInfo.processInfo.processIdentifier).writing"
    try directory.write(left + "/b", [4])
    _ = try PathEncryption(.encrypt, key: key)
      .run(directory.path + "/plain", to: directory.path + "/secret")
    #expect(try directory.names(in: "secret") == ["a"])
    #expect(try directory.names(in: left) == ["b"])
  }

  @Test func aRunAsAWholeIsRefused() throws {
    try directory.write("run/config.yaml", "steps: 1\n")
    try directory.write("run/checkpoints/step-00000001/model.safetensors", [1])
    let run = directory.path + "/run"
    for direction in [PathEncryption.Direction.encrypt, .decrypt] {
      #expect(throws: PathEncryptionError.isRun(path: run)) {
        try PathEncryption(direction, key: key).run(run, to: directory.path + "/out")
      }
    }
  }

  @Test func whatCanNotBeDoneLeavesNothing() throws {
    try directory.write("plain/a", [1, 2, 3])
    let (plain, secret) = (directory.path + "/plain", directory.path + "/secret")
    let encryption = PathEncryption(.encrypt, key: key)
    _ = try encryption.run(plain, to: secret)
    #expect(throws: PathEncryptionError.exists(path: secret)) {
      try encryption.run(plain, to: secret)
    }
    #expect(throws: PathEncryptionError.isEncrypted(path: secret + "/a")) {
      try encryption.run(secret, to: directory.path + "/twice")
    }
    #expect(throws: PathEncryptionError.isPlain(path: plain + "/a")) {
      try PathEncryption(.decrypt, key: key).run(plain, to: directory.path + "/twice")
    }
    #expect(throws: PathEncryptionError.inside(input: plain, output: plain + "/b")) {
      try encryption.run(plain, to: plain + "/b")
    }
    #expect(throws: FileError.self) {
      try PathEncryption(.decrypt, key: .random()).run(secret, to: directory.path + "/wrong")
    }
    #expect(try directory.names() == ["plain", "secret"])
  }

  /// Completion of a shell writes the slash.
  @Test(arguments: ["/", "//"]) func aSlashBehindADirectorysNameChangesNothing(
    slash: String
  ) throws {
    try directory.write("plain/b/a", content(100))
    let (plain, secret, back) = (
      directory.path + "/plain", directory.path + "/secret", directory.path + "/back"
    )
    _ = try PathEncryption(.encrypt, key: key).run(plain + slash, to: secret + slash)
    _ = try PathEncryption(.decrypt, key: key).run(secret + slash, to: back + slash)
    #expect(try directory.names() == ["back", "plain", "secret"])
    #expect(try directory.names(in: "secret") == ["b"])
    #expect(FileManager.default.contents(atPath: back + "/b/a") == Data(content(100)))
    // A file is never a directory.
    #expect(throws: FileError.self) {
      try PathEncryption(.encrypt, key: key).run(
        plain + "/b/a", to: directory.path + "/one" + slash)
    }
    #expect(try directory.names() == ["back", "plain", "secret"])
  }

  @Test func aLinkThatLeadsToNothingIsThereAlready() throws {
    try directory.write("plain/a", [1, 2, 3])
    let link = directory.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nowhere")
    #expect(throws: PathEncryptionError.exists(path: link)) {
      try PathEncryption(.encrypt, key: key).run(directory.path + "/plain", to: link)
    }
  }

  /// In a process of its own, for the working directory is the whole process's.
  @Test func whatIsInsideOfADirectoryIsToldByWherePathsLead() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      try directory.write("data/sub/a", "text")
      try FileManager.default.createSymbolicLink(
        atPath: directory.path + "/link", withDestinationPath: "data/sub")
      let encryption = PathEncryption(.encrypt, key: .random())
      func run(_ input: String, _ output: String, in place: String) throws {
        try #require(chdir(directory.path + "/" + place) == 0)
        _ = try encryption.run(input, to: output)
      }
      for (input, output, place) in [
        ("..", "secret", "data/sub"), ("..", "./new/secret", "data/sub"), (".", "a/../b", "data"),
        ("data", "link/secret", ""), ("../data", "../link/../secret", "data"),
      ] {
        #expect(throws: PathEncryptionError.inside(input: input, output: output)) {
          try run(input, output, in: place)
        }
      }
      for (input, output, place) in [
        (".", "../one", "data"), (".", "../../two", "data/sub"), ("data", "three", ""),
        (".", "../../data/../four", "data/sub"), ("data", "new/five", ""),
      ] {
        try run(input, output, in: place)
      }
      #expect(
        try directory.names() == ["data", "four", "link", "new", "one", "three", "two"])
      #expect(try directory.names(in: "data") == ["sub"])
      #expect(try directory.names(in: "data/sub") == ["a"])
    }
  }

  // MARK: A program's own key

  /// In a process of its own, as the key is the whole process's.
  @Test func aProgramGivesTheKeyOnce() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let keyPath = directory.path + "/key"
      let key = SecretKey.random()
      try key.write(to: keyPath)
      let bytes = Array("a secret".utf8)
      let path = try directory.write(
        "file", bytes.withUnsafeBytes { FileEncryption.encrypted($0, key: key) })
      let keyless = try #require(throws: FileError.self) { try MappedFile(path: path) }
      #expect(keyless.code == ENOKEY && keyless.reason.contains("FileKey.use"))
      #expect(throws: KeyError.self) { try FileKey.use(.file(directory.path + "/none")) }
      #expect(throws: keyless) { try MappedFile(path: path) }
      try FileKey.use(.file(keyPath))
      #expect(try MappedFile(path: path).withBytes { Array($0) } == bytes)
      _ = try EncryptedFiles.encryption(ofByteCount: 1, path: "checkpoint")
    }
  }

  // MARK: Memory

  /// A file of 8 TiB, of which only the header is on the disk.
  @Test func aFileThatDoesNotFitInMemoryIsAnError() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let keyPath = try directory.write("key", [UInt8](repeating: 7, count: 32))
      chmod(keyPath, 0o600)
      let cipher = KeyedCipher(.file(keyPath))
      EncryptedFiles.install(cipher)
      let count = 1 << 43
      var encryption = FileEncryption(key: try cipher.key(), contentByteCount: count)
      let header = encryption.append(UnsafeRawBufferPointer(start: nil, count: 0))
      let path = try directory.write("file", header)
      truncate(path, FileEncryption.fileByteCount(ofContent: count))
      let error = #expect(throws: FileError.self) { try MappedFile(path: path) }
      #expect(error?.code == ENOMEM && error?.reason.contains("takes \(count) bytes") == true)
    }
  }
}
