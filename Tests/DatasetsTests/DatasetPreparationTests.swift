import Foundation
import LockstepDatasets
import LockstepSettings
import TestSupport
import Testing

struct DatasetPreparationTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private var output: String { directory.path + "/out" }

  private func lines(_ count: Int, from start: Int = 0) -> String {
    (start..<(start + count)).map { "Line \($0) of the text, it's said.\n" }.joined()
  }

  private func prepare(
    _ inputs: [String], tokenizer: DatasetPreparation.TokenizerSource = .bytes,
    fraction: Double = 0.05, overwrites: Bool = false
  ) throws -> DatasetPreparation.Outcome {
    try DatasetPreparation(
      inputs: inputs, output: output, tokenizer: tokenizer, validationFraction: fraction,
      overwrites: overwrites
    ).run()
  }

  private func decoded(_ name: String) throws -> String {
    let tokenizer = try TokenizerFile.load(output + "/tokenizer.json")
    let file = try TokenFile(path: output + "/" + name)
    try file.requireTokenizer(tokenizer)
    return tokenizer.decode(file.tokens(0..<file.count))
  }

  @Test(
    arguments: [
      .bytes, .characters, .bytePairEncoding(vocabularySize: 300),
    ] as [DatasetPreparation.TokenizerSource])
  func theTwoPartsAreTheText(tokenizer: DatasetPreparation.TokenizerSource) throws {
    let text = lines(500)
    let input = try directory.write("text.txt", text)
    let outcome = try prepare([input], tokenizer: tokenizer)
    let train = try decoded("train.bin")
    let validation = try decoded("validation.bin")
    #expect(train + validation == text)
    #expect(outcome.manifest.train.bytes == train.utf8.count)
    #expect(outcome.manifest.validation?.bytes == validation.utf8.count)
    #expect(!outcome.wasPrepared)
  }

  @Test func whatGzipCompressedIsUnpacked() throws {
    let text = lines(500)
    let input = try directory.write("text.txt", text)
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", input]
    try gzip.run()
    gzip.waitUntilExit()
    let outcome = try prepare([input + ".gz"])
    #expect(try decoded("train.bin") + decoded("validation.bin") == text)
    #expect(outcome.manifest.inputs.map(\.bytes) == [text.utf8.count])
    let packed = try #require(FileManager.default.contents(atPath: input + ".gz"))
    let short = try directory.write("short.gz", Array(packed.dropLast(100)))
    let error = #expect(throws: PreparationError.self) { try prepare([short], overwrites: true) }
    #expect("\(try #require(error))".contains("end too early"))
  }

  @Test func holdsOutTheLastFractionFromTheBeginningOfALine() throws {
    let text = lines(1000)
    _ = try prepare([directory.write("text.txt", text)], fraction: 0.2)
    let held = try decoded("validation.bin")
    #expect(held.hasPrefix("Line 8"))
    #expect(abs(Double(held.utf8.count) / Double(text.utf8.count) - 0.2) < 0.002)
  }

  @Test func withoutLinesTheCutIsBetweenCharacters() throws {
    let text = String(repeating: "世", count: 1000)
    _ = try prepare([directory.write("text.txt", text)], fraction: 0.0335)
    #expect(try decoded("train.bin").count == 967)
    #expect(try decoded("validation.bin").count == 33)
  }

  @Test func theTokenizerSeesOnlyTheTrainingPart() throws {
    // "zq" is the most frequent pair of the whole, but occurs in the held-out part only.
    let text = lines(50) + String(repeating: "zq", count: 2000)
    let outcome = try prepare(
      [directory.write("text.txt", text)], tokenizer: .bytePairEncoding(vocabularySize: 300),
      fraction: Double(4000) / Double(text.utf8.count))
    #expect(outcome.manifest.validation?.tokens == 4000)
  }

  @Test func documentsAreKeptApartByEndOfText() throws {
    let outcome = try prepare(
      [
        directory.write("b.txt", "second<|endoftext|>third"), directory.write("a.txt", "first"),
        directory.write("empty.txt", ""),
      ], fraction: 0)
    let file = try TokenFile(path: output + "/train.bin")
    let documents = file.tokens(0..<file.count).split(separator: 256)
    #expect(documents.map { ByteTokenizer().decode($0) } == ["second", "third", "first"])
    #expect(outcome.manifest.train.bytes == 16)
    #expect(outcome.manifest.validation == nil)
    #expect(try !directory.names().contains("validation.bin"))
  }

  private func problem(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return "\(error)" }
    return nil
  }

  @Test func whatCanNotBeExpressedIsToldByFileAndLine() throws {
    let known = try directory.write("known.txt", lines(20))
    let text = "Line\nLine <|endoftext|> it\tis"
    let held = try directory.write("held.txt", text)
    let fraction = (Double(text.utf8.count) + 0.5) / Double((lines(20) + text).utf8.count)
    let found = problem {
      _ = try prepare([known, held], tokenizer: .characters, fraction: fraction)
    }
    #expect(
      found?.hasPrefix(
        "\(held): line 2: the character tokenizer has never seen U+0009, found at byte 21: ")
        == true, "\(found ?? "nothing")")
    let bytes = try directory.write("bytes.txt", Array("ab\n\ncd ".utf8) + [0xC3, 0x0A])
    let notText = problem { _ = try prepare([known, bytes], tokenizer: .characters, fraction: 0) }
    #expect(
      notText?.hasPrefix("\(bytes): line 3: the text is not UTF-8 at byte 3, which") == true,
      "\(notText ?? "nothing")")
    #expect(try !directory.names().contains("out"))
  }

  /// What is encoded is shorter than the text then.
  @Test func aNormaliserMovesNoLine() throws {
    let file = String(decoding: try Fixture.bytes("Families/qwen2.json"), as: UTF8.self)
    // Without a token for the byte 4.
    let lacking = file.replacing(#""\u0104":"#, with: #""\u0100\u0100":"#)
    #expect(lacking != file && file.contains("NFC"))
    let accents = String(repeating: "e\u{301}", count: 10) + "\n"
    let input = try directory.write("text.txt", accents + accents + "a\nbc\u{4}\n" + accents)
    let tokenizer = try directory.write("nfc.json", lacking)
    let found = problem { _ = try prepare([input], tokenizer: .file(tokenizer), fraction: 0) }
    #expect(
      found?.hasPrefix(
        "\(input): line 4: the tokenizer has no token for byte 0x04, found at byte 2: ") == true,
      "\(found ?? "nothing")")
  }

  @Test func directoriesGiveTheirTextFilesInTheOrderOfPaths() throws {
    for (name, text) in [("d/b/1.txt", "3"), ("d/a.txt", "1"), ("d/a/z.txt", "2"), ("d/x.md", "4")]
    {
      try directory.write(name, text)
    }
    let outcome = try prepare([directory.path + "/d"], fraction: 0)
    let names = outcome.manifest.inputs.map { $0.name.dropFirst(directory.path.count) }
    #expect(names == ["/d/a.txt", "/d/a/z.txt", "/d/b/1.txt"])
    #expect(try decoded("train.bin") == "1<|endoftext|>2<|endoftext|>3")
  }

  @Test func longTextsAreEncodedInPiecesAsAWhole() throws {
    let text = String(repeating: "Some words  and   spaces,\n\n it's 世界 \t ", count: 250_000)
    #expect(text.utf8.count > 9 << 20)
    _ = try prepare(
      [directory.write("text.txt", text)], tokenizer: .bytePairEncoding(vocabularySize: 280),
      fraction: 0)
    let file = try TokenFile(path: output + "/train.bin")
    let tokenizer = try TokenizerFile.load(output + "/tokenizer.json")
    #expect(try file.tokens(0..<file.count) == tokenizer.encode(text))
  }

  @Test func theSameRequestAgainLeavesTheFilesAlone() throws {
    let input = try directory.write("text.txt", lines(100))
    let first = try prepare([input])
    let before = try readAll(output + "/dataset.json")
    let second = try prepare([input])
    #expect(second.wasPrepared)
    #expect(second.manifest == first.manifest)
    #expect(try readAll(output + "/dataset.json") == before)
    #expect(before == (try first.manifest.json()))
  }

  @Test func anotherRequestIsRefusedUnlessItMayOverwrite() throws {
    let input = try directory.write("text.txt", lines(100))
    _ = try prepare([input])
    let other = try directory.write("other.txt", lines(100, from: 1))
    let before = try readAll(output + "/train.bin")
    #expect(refusal { try prepare([other]) } == "it was made from other text")
    #expect(refusal { try prepare([input], fraction: 0.1) } == "its validation fraction is 0.05")
    #expect(refusal { try prepare([input], tokenizer: .characters) } == "its tokenizer is 'bytes'")
    #expect(try readAll(output + "/train.bin") == before)
    #expect(try !prepare([other], overwrites: true).wasPrepared)
    #expect(try readAll(output + "/train.bin") != before)
  }

  @Test func overwritingWithoutValidationRemovesTheOldOne() throws {
    let input = try directory.write("text.txt", lines(100))
    _ = try prepare([input])
    _ = try prepare([input], fraction: 0, overwrites: true)
    let names = ["dataset.json", "tokenizer.json", "train.bin"]
    #expect(try directory.names(in: "out") == names)
  }

  @Test func aDamagedOrUnfinishedDataSetIsRefused() throws {
    let input = try directory.write("text.txt", lines(100))
    _ = try prepare([input])
    var bytes = try readAll(output + "/train.bin")
    bytes[1024] ^= 1
    try directory.write("out/train.bin", bytes)
    #expect(
      refusal { try prepare([input]) } == "its train.bin is not the one its dataset.json tells of")
    try directory.write("out/dataset.json", "{")
    #expect(refusal { try prepare([input]) }?.hasPrefix("it is not complete") ?? false)
    #expect(try !prepare([input], overwrites: true).wasPrepared)
    #expect(try prepare([input]).wasPrepared)
  }

  @Test func removesWhatAKilledRunLeftAndNothingElse() throws {
    let input = try directory.write("text.txt", lines(100))
    try directory.write("out/.train.bin.writing-99999999-ff", "old")
    // A number that another process has by now.
    try directory.write("out/.train.bin.writing-1-ff", "old")
    try directory.write("out/.notes.writing-99999999", "mine")
    try directory.write("out/.preparing", "")
    _ = try prepare([input])
    #expect(
      try directory.names(in: "out") == [
        ".notes.writing-99999999", "dataset.json", "tokenizer.json", "train.bin",
        "validation.bin",
      ])
  }

  @Test(arguments: [false, true]) func afterAKillInTheMiddleTheNextPreparationSucceeds(
    ofPairs: Bool
  ) throws {
    let input = try directory.write("text.txt", lines(100))
    // Killed while files were replaced: the mark is filled, and there is no manifest.
    try directory.write("out/.preparing", "x")
    try directory.write("out/train.bin", "part")
    try directory.write("out/train.source.bin", "part")
    if ofPairs {
      _ = try PairPreparation(
        inputs: [input, input], output: output, tokenizer: .bytes
      ).run()
    } else {
      _ = try prepare([input])
    }
    let names = try directory.names(in: "out")
    #expect(names.contains("dataset.json") && !names.contains(".preparing"))
    #expect(names.contains("train.bin") != ofPairs)
    #expect(names.contains("train.source.bin") == ofPairs)
  }

  @Test func aKillAfterTheManifestLeavesACompleteDataSet() throws {
    let input = try directory.write("text.txt", lines(100))
    _ = try prepare([input])
    try directory.write("out/.preparing", "x")
    #expect(try prepare([input]).wasPrepared)
    #expect(try !directory.names(in: "out").contains(".preparing"))
  }

  @Test func filesThatNoPreparationLeftAreNotRemoved() throws {
    let input = try directory.write("text.txt", lines(100))
    try directory.write("out/train.bin", "mine")
    try directory.write("out/.preparing", "")
    #expect(refusal { try prepare([input]) }?.hasPrefix("it is not complete") ?? false)
    #expect(try readAll(output + "/train.bin") == Array("mine".utf8))
    #expect(try directory.names(in: "out") == ["train.bin"])
  }

  @Test func aPreparationThatFailsLeavesNothing() throws {
    let input = try directory.write("text.txt", lines(100))
    // A folder stands where the tokenizer should go, after the token files.
    try directory.write("out/tokenizer.json/inside", "mine")
    #expect(throws: (any Error).self) { try prepare([input], overwrites: true) }
    #expect(try !directory.names(in: "out").contains("train.bin"))
    #expect(try !directory.names(in: "out").contains("dataset.json"))
    #expect(try directory.names(in: "out/tokenizer.json") == ["inside"])
  }

  @Test func aSecondPreparationInTheSameDirectoryIsRefused() throws {
    let input = try directory.write("text.txt", lines(100))
    var refused: PreparationError?
    _ = try DatasetPreparation(inputs: [input], output: output, tokenizer: .bytes).run { _ in
      guard refused == nil else { return }
      refused = #expect(throws: PreparationError.self) { try prepare([input]) }
    }
    #expect(refused == .outputInUse(path: output))
    #expect(try prepare([input]).wasPrepared)
  }

  @Test func pipesAreReadToTheirEnd() throws {
    let text = lines(5000)
    let pipe = directory.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let writer = Thread {
      let file = FileHandle(forWritingAtPath: pipe)
      file?.write(Data(text.utf8))
      try? file?.close()
    }
    writer.start()
    _ = try prepare([pipe], fraction: 0)
    #expect(try decoded("train.bin") == text)
  }

  @Test func aTokenizerFromAFileIsUsedAsItIs() throws {
    let input = try directory.write("text.txt", lines(20))
    let path = try Fixture.path("huggingface.json")
    let outcome = try prepare([input], tokenizer: .file(path))
    #expect(outcome.manifest.tokenizer.vocabularySize == 420)
    let given = try TokenizerFile.load(path)
    #expect(try TokenizerFile.load(output + "/tokenizer.json").contentHash == given.contentHash)
  }

  @Test func wrongRequestsAreErrorsOfTheUserAndWriteNothing() throws {
    let text = try directory.write("text.txt", lines(20))
    let empty = try directory.write("empty.txt", "")
    let folder = directory.path + "/folder"
    let other = try directory.write("folder/readme.md", "text")
    #expect(error { try prepare([]) } == .noInput)
    #expect(error { try prepare([empty]) } == .emptyInput(paths: [empty]))
    #expect(
      error { try prepare(["/nowhere.txt"]) }
        == .unreadableInput(path: "/nowhere.txt", reason: "No such file or directory"))
    #expect(
      error { try prepare([folder]) }
        == .noTextFiles(
          directory: folder, notes: ["left out \(other): is no .txt"]))
    #expect(error { try prepare(["-", "-"]) } == .repeatedStandardInput)
    #expect(error { try prepare([text], fraction: 1) } == .invalidFraction(1))
    #expect(error { try prepare([text], fraction: -0.1) } == .invalidFraction(-0.1))
    #expect(throws: PreparationError.self) { try prepare([text], fraction: .nan) }
    #expect(throws: TokenizerError.vocabularyTooSmall(requested: 256, minimum: 257)) {
      try prepare([text], tokenizer: .bytePairEncoding(vocabularySize: 256))
    }
    let short = try directory.write("short.txt", "a")
    #expect(error { try prepare([short]) } == .textTooShort(byteCount: 1, fraction: 0.05))
    #expect(try !directory.names().contains("out"))
  }

  @Test func anOutputThatCannotBeWrittenIsAnErrorThatSaysWhy() throws {
    let text = try directory.write("text.txt", lines(20))
    #expect(throws: PreparationError.self) {
      try DatasetPreparation(inputs: [text], output: text + "/out", tokenizer: .bytes).run()
    }
    #expect(throws: PreparationError.self) {
      try DatasetPreparation(inputs: [text], output: "/proc/lockstep", tokenizer: .bytes).run()
    }
  }

  @Test func namesOfTokenizersAreUnderstood() throws {
    typealias Source = DatasetPreparation.TokenizerSource
    #expect(
      try Source(named: "bpe", vocabularySize: nil) == .bytePairEncoding(vocabularySize: 4096))
    #expect(
      try Source(named: "bpe", vocabularySize: 300) == .bytePairEncoding(vocabularySize: 300))
    #expect(try Source(named: "characters", vocabularySize: nil) == .characters)
    let path = try Fixture.path("huggingface.json")
    #expect(try Source(named: path, vocabularySize: nil) == .file(path))
    #expect(throws: PreparationError.unknownTokenizer("bpee")) {
      try Source(named: "bpee", vocabularySize: nil)
    }
    #expect(throws: PreparationError.vocabularySizeNotApplicable(tokenizer: "bytes")) {
      try Source(named: "bytes", vocabularySize: 300)
    }
  }

  private func error(_ body: () throws -> some Any) -> PreparationError? {
    do {
      _ = try body()
      return nil
    } catch {
      #expect(error is any UserInputError)
      return error as? PreparationError
    }
  }

  /// Why a directory's contents are not overwritten.
  private func refusal(_ body: () throws -> some Any) -> String? {
    guard case .outputDiffers(_, let reason) = error(body) else { return nil }
    return reason
  }
}
