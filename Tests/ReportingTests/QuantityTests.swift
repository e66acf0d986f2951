import LockstepReporting
import Testing

@Suite struct QuantityTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (-1000, "-1,000"), (1_234_567, "1,234,567"),
    (100_000, "100,000"), (Int.min, "-9,223,372,036,854,775,808"),
  ]) func thousandsAreSeparated(value: Int, text: String) {
    #expect(Quantity.count(value) == text)
  }

  @Test(arguments: [
    (0.0, "0.00 s"), (0.213, "0.21 s"), (0.996, "1.0 s"), (9.94, "9.9 s"), (9.96, "10 s"),
    (59.4, "59 s"), (59.6, "1m 00s"), (185, "3m 05s"), (3599.6, "1h 00m"), (7620, "2h 07m"),
    (86_399, "23h 59m"), (273_600, "3d 04h"), (.infinity, "?"), (.nan, "?"),
  ]) func durationsHaveTwoUnits(seconds: Double, text: String) {
    #expect(Quantity.duration(seconds) == text)
  }

  @Test(arguments: [
    (3.14159, "3.1416"), (-0.5, "-0.5000"), (12_345.6, "1.23e+04"), (.infinity, "inf"),
    (.nan, "nan"),
  ]) func decimalsStayShort(value: Double, text: String) {
    #expect(Quantity.decimal(value, 4) == text)
  }

  @Test func roundedCountsSurviveAnything() {
    #expect(Quantity.rounded(24_310.5) == "24,311")
    #expect(Quantity.rounded(.nan) == "?")
    #expect(Quantity.rounded(1e300) == "?")
  }
}
