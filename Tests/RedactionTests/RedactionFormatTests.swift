import Foundation
import LockstepRedaction
import TestSupport
import Testing

/// JSON, tables, and what is no text.
@Suite struct RedactionFormatTests {
  private let redactor = Redactor.ofEverything()

  @Test func ofJSONOnlyStringsThatAreNoKeysChange() throws {
    let line = """
      {"a@example.com": "b@example.com", "n": 4111111111111111, "list": ["x\\n\\u0062@example.com\\t", {"k" : "\\ud83d\\ude00 \\"c@example.com\\" \\ud800"}], "same": "\\u00e9\\/"}
      """
    let expected = """
      {"a@example.com": "[EMAIL]", "n": 4111111111111111, "list": ["x\\n[EMAIL]\\t", {"k" : "😀 \\"[EMAIL]\\" \\ud800"}], "same": "\\u00e9\\/"}
      """
    #expect(try redactor.redacted(line, .json) == expected)
  }

  @Test func jsonStaysJSONWithTheSameKeysAndNumbers() throws {
    var texts = LabelledTexts(seed: 11)
    for _ in 0..<300 {
      let kinds = RedactionClass.allCases
      let object: [String: Any] = [
        "text": texts.positive(texts.pick(kinds)).text,
        texts.lookalike(): [texts.negative().text, 1.5],
        "nested": ["phone": texts.digits(8), "empty": ""], "line\nend \"": NSNull(),
      ]
      let line = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
      let output = try redactor.redacted(Array(line), .json).bytes
      let read = try #require(
        JSONSerialization.jsonObject(with: Data(output)) as? [String: Any])
      #expect(Set(read.keys) == Set(object.keys))
      #expect((read["nested"] as? [String: String])?["phone"] == "[PHONE]")
    }
  }

  @Test func whatIsNoJSONIsRefusedWithItsLine() {
    for (text, line) in [
      ("{\"a\": \"b\"}\n{\"a\": \"b}\n", 2), ("{}\n\n# note\n", 3), ("{\"a\": \"\\x\"}", 1),
      ("{\"a\": \"\\u00g0\"}", 1),
      // A line ends a string, and what stands in front of its end changes nothing about that.
      ("{\"a\": \"b\\\nc\"}\n", 1), ("{}\n{\"a\": [\"b\",\n\"c\\\nd\", \"e\"]}\n", 3), ("\"a\\", 1),
    ] {
      for block in [1, 4 << 20] {
        let error = #expect(throws: RedactionError.self) {
          try redactor.redacted(Array(text.utf8), .json, blockByteCount: block)
        }
        guard case .malformed("input", let found, _) = error else {
          Issue.record("\(text): \(String(describing: error))")
          continue
        }
        #expect(found == line, "\(text)")
      }
    }
  }

  /// As a text of another encoding has them.
  @Test(arguments: [
    [0xED, 0xF0, 0x61], [0xED, 0xCC, 0xE5], [0xED, 0xA0, 0x61], [0xED, 0xA0, 0x5C, 0x22],
    [0xED, 0xC0, 0x80], [0xED],
  ])
  func damagedBytesOfAStringStay(bytes: [UInt8]) throws {
    func text(_ address: String) -> [UInt8] {
      Array("{\"a\": \"s".utf8) + bytes + Array(" \(address)\"}\n".utf8)
    }
    #expect(try redactor.redacted(text("x@example.com"), .json).bytes == text("[EMAIL]"))
  }

  @Test func tablesKeepTheirFieldsAndColumnsAreHints() throws {
    let table =
      "name,phone,note\r\nx,2025550143,\"say \"\"a@example.com\"\", or\nnot\"\r\ny,12345678,2025550143\r\n"
    let expected =
      "name,phone,note\r\nx,[PHONE],\"say \"\"[EMAIL]\"\", or\nnot\"\r\ny,[PHONE],2025550143\r\n"
    #expect(try redactor.redacted(table, .csv) == expected)
    #expect(try redactor.redacted("a\tb@example.com\t\"\n", .tsv) == "a\t[EMAIL]\t\"\n")
    #expect(
      throws: RedactionError.malformed(
        path: "input", line: 2, reason: "a field in quotation marks without an end")
    ) {
      try redactor.redacted("a,b\n\"c,d\n", .csv)
    }
  }

  @Test func whatIsNoTextIsRefused() {
    for bytes: [UInt8] in [[0x1F, 0x8B, 8], [0xFF, 0xFE, 0x41, 0], Array("text".utf8) + [0]] {
      let error = #expect(throws: RedactionError.self) { try redactor.redacted(bytes) }
      guard case .notText = error else {
        Issue.record("\(bytes): \(String(describing: error))")
        continue
      }
    }
  }

  @Test func aByteOrderMarkStaysAndIsNoPartOfTheText() throws {
    #expect(
      try redactor.redacted("\u{FEFF}{\"a\": \"b@example.com\"}", .json)
        == "\u{FEFF}{\"a\": \"[EMAIL]\"}")
    #expect(
      try redactor.redacted("\u{FEFF}phone,x\n2025550143,1\n", .csv)
        == "\u{FEFF}phone,x\n[PHONE],1\n")
  }

  @Test func theNameOfAFileTellsItsFormat() {
    #expect(RedactionFormat(path: "a/b.JSONL") == .json)
    #expect(RedactionFormat(path: "a.csv/b") == .text)
    #expect(RedactionFormat(path: "x.csv") == .csv)
    #expect(RedactionFormat(path: "x.tsv") == .tsv)
  }
}
