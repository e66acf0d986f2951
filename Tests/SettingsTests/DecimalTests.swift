import LockstepSettings
import Testing

@Suite struct DecimalTests {
  @Test(arguments: [
    ("0", 0), ("-0.5", -0.5), ("+7", 7), ("1e-3", 0.001), ("2E4", 20_000), ("3.", 3), (".25", 0.25),
  ])
  func decimalNumbersAreRead(text: String, value: Double) {
    #expect(Double(decimal: text) == value)
    #expect(Float(decimal: text) == Float(value))
  }

  /// The standard library reads most of these as numbers.
  @Test(arguments: [
    "", "1\u{0}5", "1\u{0}", "0x10", "0x1p3", "inf", "-Infinity", "nan", "1e999", "1_000", " 1",
    "1 ",
    "1,5", "١", "e", "+-1",
  ])
  func allElseIsNoNumber(text: String) {
    #expect(Double(decimal: text) == nil)
    #expect(Float(decimal: text) == nil)
  }
}
