import Foundation
import LockstepDatasets
import TestSupport
import Testing

/// What `lockstep prepare` reads of directories, and what it says of the rest.
struct TextFileSearchTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private var folder: String { directory.path + "/d" }

  private func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/" + name, withDestinationPath: target)
  }

  private func prepare(_ input: String? = nil) throws -> DatasetPreparation.Outcome {
    try DatasetPreparation(
      inputs: [input ?? folder], output: directory.path + "/out", tokenizer: .bytes,
      validationFraction: 0, overwrites: true
    ).run()
  }

  private func names(_ outcome: DatasetPreparation.Outcome) -> [String] {
    outcome.manifest.inputs.map { String($0.name.dropFirst(folder.count + 1)) }
  }

  @Test func hiddenFilesAndDirectoriesAreLeftOutAndNamed() throws {
    for name in ["a.txt", ".git/b.txt", ".hidden.txt", ".cache/deep/c.txt", ".z"] {
      try directory.write("d/" + name, "text")
    }
    let outcome = try prepare()
    #expect(names(outcome) == ["a.txt"])
    #expect(
      outcome.notes == [
        "left out \(folder)/.cache, \(folder)/.git, \(folder)/.hidden.txt and 1 more: are hidden"
      ])
    // One that is asked for by its name is read.
    #expect(try prepare(folder + "/.git").manifest.inputs.count == 1)
  }

  @Test func endingsAreTakenInAnyCaseAndOthersAreNamed() throws {
    for name in ["A.TXT", "b.Txt", "c.txt", "d.md", "txt"] { try directory.write("d/" + name, "1") }
    try directory.write("d/e.txt", "")
    let outcome = try prepare()
    #expect(names(outcome) == ["A.TXT", "b.Txt", "c.txt"])
    #expect(
      outcome.notes == [
        "left out \(folder)/d.md, \(folder)/txt: are no .txt", "left out \(folder)/e.txt: is empty",
      ])
  }

  @Test func linksAreFollowedOnce() throws {
    try directory.write("elsewhere/x.txt", "linked")
    try directory.write("single.txt", "alone")
    try directory.write("d/sub/a.txt", "here")
    try link("to-directory", to: directory.path + "/elsewhere")
    try link("to-file.txt", to: "../single.txt")
    try link("sub/up", to: "..")
    try link("sub/z-again.txt", to: "a.txt")
    let outcome = try prepare()
    #expect(names(outcome) == ["sub/a.txt", "to-directory/x.txt", "to-file.txt"])
    #expect(
      outcome.notes == [
        "left out \(folder)/sub/up: the same as \(folder)",
        "left out \(folder)/sub/z-again.txt: the same as \(folder)/sub/a.txt",
      ])
  }

  @Test func whatCanNotBeReadIsAnErrorWithItsPath() throws {
    try directory.write("d/a.txt", "text")
    try link("gone.txt", to: "nowhere")
    #expect(
      throws: PreparationError.unreadableInput(
        path: folder + "/gone.txt", reason: "No such file or directory")
    ) { try prepare() }
    try FileManager.default.removeItem(atPath: folder + "/gone.txt")
    try link("loop", to: "loop")
    #expect(throws: PreparationError.self) { try prepare() }
  }

  @Test func aByteOrderMarkIsNoToken() throws {
    let path = try directory.write("mark.txt", "\u{FEFF}text")
    let plain = try directory.write("plain.txt", "text")
    let marked = try prepare(path).manifest
    #expect(marked.train.tokens == 4 && marked.train.bytes == 4)
    #expect(try marked.inputs.map(\.sha256) == prepare(plain).manifest.inputs.map(\.sha256))
    let alone = try directory.write("alone.txt", "\u{FEFF}")
    #expect(throws: PreparationError.emptyInput(paths: [alone])) { try prepare(alone) }
  }

  @Test(arguments: [([0xFF, 0xFE, 0x61, 0], "UTF-16"), ([0, 0, 0xFE, 0xFF], "UTF-32")])
  func otherEncodingsAreRefusedByTheirName(bytes: [UInt8], encoding: String) throws {
    let path = try directory.write("text.txt", bytes)
    let error = #expect(throws: PreparationError.self) { try prepare(path) }
    #expect("\(try #require(error))".hasPrefix("\(path): cannot read the input: begins with"))
    #expect("\(try #require(error))".contains("of \(encoding);"))
  }

  @Test(arguments: [
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0], "compressed by xz", "xz -dc"),
    ([0x28, 0xB5, 0x2F, 0xFD, 4], "compressed by zstd", "zstd -dc"),
    (Array("BZh91AY&SY".utf8), "compressed by bzip2", "bzip2 -dc"),
    ([0x50, 0x4B, 3, 4, 20], "a ZIP archive", "unzip -p"),
    (Array("%PDF-1.7".utf8), "a PDF document", "pdftotext"),
  ])
  func filesThatAreNoTextsAreRefused(bytes: [UInt8], format: String, command: String) throws {
    let path = try directory.write("text.txt", bytes)
    let error = #expect(throws: PreparationError.self) { try prepare(path) }
    let message = "\(try #require(error))"
    #expect(message.contains("is \(format)") && message.contains(command))
  }

  @Test func aTokenizerIsFoundInItsDirectory() throws {
    let path = directory.path + "/tokenizer.json"
    try ByteTokenizer().save(to: path)
    let source = try DatasetPreparation.TokenizerSource(
      named: directory.path, vocabularySize: nil)
    guard case .file(path) = source else {
      Issue.record("\(source)")
      return
    }
  }

  @Test func pairsHaveNoMarkInTheirFirstLine() throws {
    let source = try directory.write("a", "\u{FEFF}one\n")
    let target = try directory.write("b", "\u{FEFF}eins\n")
    let outcome = try PairPreparation(
      inputs: [source, target], output: directory.path + "/out", tokenizer: .bytes,
      validationFraction: 0
    ).run()
    #expect(outcome.manifest.train.sourceTokens == 4 && outcome.manifest.train.targetTokens == 5)
  }
}
