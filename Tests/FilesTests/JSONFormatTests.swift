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
}
