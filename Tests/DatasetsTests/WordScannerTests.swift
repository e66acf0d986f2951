import LockstepDatasets
import Testing

/// GPT-2's pattern by hand against GPT-2's pattern in the `tokenizers` library.
struct WordScannerTests {
  private struct Case: Decodable {
    var text: String
    var words: [Int]
  }

  @Test func cutsTextsIntoTheWordsOfTheTokenizersLibrary() throws {
    let cases: [Case] = try Fixture.decode("words.json")
    #expect(cases.count > 90)
    for item in cases {
      #expect(wordLengths(Array(item.text.utf8)) == item.words, "\(item.text.debugDescription)")
    }
  }

  @Test func classifiesEveryScalarAsTheTokenizersLibraryDoes() throws {
    let classes = ScalarClasses()
    var wanted = [ScalarClass](repeating: .other, count: 0x110000)
    for range in try Fixture.decode("classes.json") as [ClassRange] {
      for value in range.values { wanted[value] = range.scalarClass }
    }
    var differing: [UInt32] = []
    for value in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let found =
        value < UInt32(ScalarClasses.tableCount)
        ? classes.table[Int(value)] : ScalarClasses.beyondTable(value)
      // A scalar that one of the two Unicode versions does not know yet is not held against it.
      if found != wanted[Int(value)], scalar.properties.age.map({ $0 <= (15, 0) }) ?? false {
        differing.append(value)
      }
    }
    #expect(differing.isEmpty, "\(differing.prefix(20).map { String($0, radix: 16) })")
  }

  @Test(
    arguments: [
      [0xFF], [0x80], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC0, 0x80], [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80],
    ] as [[UInt8]])
  func takesBytesThatAreNoUTF8AsNeitherLetterNorSpace(bytes: [UInt8]) {
    #expect(wordLengths(Array("a".utf8) + bytes + Array("a".utf8)) == [1, bytes.count, 1])
    #expect(wordLengths(Array("! ".utf8) + bytes + Array("!".utf8)) == [1, bytes.count + 2])
  }

  @Test func wordsOfPiecesAreTheWordsOfTheWhole() throws {
    for item in try Fixture.decode("words.json") as [Case] {
      let text = Array(item.text.utf8)
      for cut in text.indices.dropFirst()
      where [0x20, 0x0A].contains(text[cut]) && (0x21...0x7E).contains(text[cut - 1]) {
        let pieces = wordLengths(Array(text[..<cut])) + wordLengths(Array(text[cut...]))
        #expect(pieces == item.words, "\(item.text.debugDescription) cut at \(cut)")
      }
    }
  }

  private struct ClassRange: Decodable {
    var values: ClosedRange<Int>
    var scalarClass: ScalarClass

    init(from decoder: any Decoder) throws {
      var elements = try decoder.unkeyedContainer()
      let first = try elements.decode(Int.self)
      values = first...(try elements.decode(Int.self))
      let classes: [String: ScalarClass] = [
        "letter": .letter, "number": .number, "whitespace": .whitespace,
      ]
      scalarClass = try #require(classes[try elements.decode(String.self)])
    }
  }
}

/// The patterns of later models.
struct SplitPatternTests {
  private struct Case: Decodable {
    var text: String
    var words: [Int]
  }

  private func wordLengths(_ text: [UInt8], _ pattern: String) -> [Int] {
    text.withUnsafeBufferPointer { text in
      ScalarClasses().table.withUnsafeBufferPointer { table in
        func lengths(_ cutter: some WordCutter) -> [Int] {
          var (lengths, start): ([Int], Int) = ([], 0)
          while start < text.count {
            let end = cutter.endOfWord(from: start)
            lengths.append(end - start)
            start = end
          }
          return lengths
        }
        guard !text.isEmpty else { return [] }
        return switch pattern {
        case "digits": lengths(DigitScanner(text: text, classes: table))
        default:
          lengths(
            LetterScanner(text: text, classes: table, mostDigits: pattern == "llama3" ? 3 : 1))
        }
      }
    }
  }

  @Test(arguments: ["llama3", "qwen2", "digits"])
  func cutsTextsIntoTheWordsOfTheTokenizersLibrary(pattern: String) throws {
    let all: [String: [Case]] = try Fixture.decode("Families/patterns.json")
    let cases = try #require(all[pattern])
    #expect(cases.count > 100)
    for item in cases {
      #expect(
        wordLengths(Array(item.text.utf8), pattern) == item.words, "\(item.text.debugDescription)")
    }
  }

  /// Where `prepare` cuts long texts.
  @Test(arguments: ["llama3", "qwen2", "digits"])
  func wordsOfPiecesAreTheWordsOfTheWhole(pattern: String) throws {
    let all: [String: [Case]] = try Fixture.decode("Families/patterns.json")
    let places: [UInt8] = pattern == "digits" ? [0x20, 0x0A] : [0x20]
    for item in try #require(all[pattern]) {
      let text = Array(item.text.utf8)
      for cut in text.indices.dropFirst()
      where places.contains(text[cut]) && (0x21...0x7E).contains(text[cut - 1]) {
        let pieces =
          wordLengths(Array(text[..<cut]), pattern) + wordLengths(Array(text[cut...]), pattern)
        #expect(pieces == item.words, "\(item.text.debugDescription) cut at \(cut)")
      }
    }
  }
}

/// The byte counts of a text's words.
private func wordLengths(_ text: [UInt8]) -> [Int] {
  guard !text.isEmpty else { return [] }
  let classes = ScalarClasses()
  return text.withUnsafeBufferPointer { text in
    classes.table.withUnsafeBufferPointer { table in
      let scanner = WordScanner(text: text, classes: table)
      var lengths: [Int] = []
      var start = 0
      while start < text.count {
        let end = scanner.endOfWord(from: start)
        lengths.append(end - start)
        start = end
      }
      return lengths
    }
  }
}
