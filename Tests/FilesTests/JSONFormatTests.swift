import Foundation
import LockstepFiles
import Testing

@Suite struct JSONFormatTests {
  private struct Measured: Codable {
    let values: [Double]
  }

  @Test func numbersThatAreNotFiniteAreTexts() throws {
    let measured = Measured(values: [.nan, .infinity, -.infinity, 0.1, -0.0])
    let json = String(decoding: try JSONFormat.encoder().encode(measured), as: UTF8.self)
    #expect(json == #"{"values":["NaN","Infinity","-Infinity",0.1,-0]}"#)
    let read = try JSONFormat.decoder.decode(Measured.self, from: Data(json.utf8)).values
    #expect(read[0].isNaN)
    #expect(read.dropFirst() == measured.values.dropFirst())
  }

  @Test(arguments: [-Double.infinity, .infinity, 0.1, 1e300, -3])
  func aNumberByItselfIsWrittenTheSame(value: Double) throws {
    let text = JSONFormat.text(of: value)
    #expect(try JSONFormat.decoder.decode(Double.self, from: Data(text.utf8)) == value)
  }

  @Test func onlyTheThreeTextsAreNumbers() {
    #expect(JSONFormat.number("NaN")?.isNaN == true)
    #expect(JSONFormat.number("-Infinity") == -.infinity)
    for text in ["nan", "inf", "+Infinity", "1", ""] { #expect(JSONFormat.number(text) == nil) }
  }

  private func failure(_ bytes: [UInt8]) -> String {
    let error = #expect(throws: JSONReader.Failure.self) {
      _ = try JSONFormat.decode([String: [String: Int]].self, foreign: bytes)
    }
    return error?.description ?? ""
  }

  @Test(arguments: [
    (#"{"a": {}, "a": {"b": 1}}"#, "the key 'a' a second time in one object at byte 10"),
    (#"{"a": {"b": 1, "\u0062": 2}}"#, "the key 'b' a second time in one object at byte 15"),
    (#"{"a": {"b": 1}"#, "the file ends where ',' should be at byte 14"),
  ])
  func whatOthersWroteHasEachKeyOnce(json: String, reason: String) {
    #expect(failure(Array(json.utf8)) == reason)
  }

  @Test func whatOthersWroteIsUTF8WithOrWithoutAMark() throws {
    let json = #"{"a": {"b": 1}, "b": {"b": 1}}"#
    for bytes in [Array(json.utf8), [0xEF, 0xBB, 0xBF] + Array(json.utf8)] {
      #expect(
        try JSONFormat.decode([String: [String: Int]].self, foreign: bytes)
          == ["a": ["b": 1], "b": ["b": 1]])
    }
    #expect(failure([0xFF, 0xFE, 0x7B, 0, 0x7D, 0]).contains("byte order mark of UTF-16"))
    #expect(throws: DecodingError.self) {
      _ = try JSONFormat.decode([String: Int].self, foreign: Array(json.utf8))
    }
  }

  @Test(arguments: [
    #"\u-000"#, #"\u+000"#, #"\u 000"#, #"\u00g0"#, #"\u12"#, #"\uD83D\u-E00"#, #"\u００００"#,
  ])
  func anEscapeHasFourHexadecimalDigits(escape: String) throws {
    let error = #expect(throws: JSONReader.Failure.self) {
      _ = try JSONReader.value(of: Array("\"\(escape)\"".utf8))
    }
    #expect(error?.reason == "expected four hexadecimal digits")
    let value = try JSONReader.value(of: Array(#""\u00Ff\uD83d\ude00""#.utf8))
    #expect(value.string == "ÿ😀")
  }
}
