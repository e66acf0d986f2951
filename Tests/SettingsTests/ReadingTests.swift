import LockstepSettings
import Testing

@Suite struct ReadingTests {
  @Test func keysThatAreNotWrittenHaveTheirDefaults() throws {
    let read = try SampleConfiguration(settings: [:])
    #expect(read == SampleConfiguration())
    let partial = try SampleConfiguration(settings: ["origin": ["y": "5"]])
    #expect(partial.origin == SampleConfiguration.Point(x: 1, y: 5))
  }

  @Test func everyKindOfValueIsRead() throws {
    let read = try SampleConfiguration(settings: [
      "count": "12", "scale": "2.5e-1", "visible": "false", "title": "true", "note": "hello",
      "limit": SettingNode(.null), "color": "blue", "path": [["x": "1", "y": "3"], ["y": "4"]],
    ])
    #expect(read.count == 12)
    #expect(read.scale == 0.25)
    #expect(!read.visible)
    #expect(read.title == "true")
    #expect(read.note == "hello")
    #expect(read.limit == nil)
    #expect(read.color == .blue)
    #expect(read.path.map(\.x) == [1, 0])
    #expect(read.path.map(\.y) == [3, 4])
  }

  @Test(arguments: [("20_0", 200), ("2e2", 200), ("+7", 7), ("-0", 0), ("1E3", 1000)])
  func wholeNumbersMayBeGroupedOrHaveAnExponent(_ written: String, _ value: Int) {
    #expect(Int(scalar: written, isQuoted: false) == value)
  }

  @Test(arguments: [
    "2.0", "2.5e0", "1e-1", "1e30", "0x10", "", "one", "1 2", "99999999999999999999",
  ])
  func whatIsNoWholeNumberIsNotTakenForOne(_ written: String) {
    #expect(Int(scalar: written, isQuoted: false) == nil)
    #expect(Int(scalar: "1", isQuoted: true) == nil)
  }

  @Test(arguments: ["nan", "inf", "-infinity", "0x1p3", "1e999", "", "1,5", ".inf"])
  func whatIsNoFiniteNumberIsNotTakenForOne(_ written: String) {
    #expect(Double(scalar: written, isQuoted: false) == nil)
    #expect(Double(scalar: "1.0", isQuoted: true) == nil)
  }

  @Test func everyWrongValueIsReportedWithLineAndExpectation() {
    let found = problems(in: [
      "count": "0", "scale": "fast", "visible": "yes", "title": SettingNode(.text("")),
      "limit": "0", "color": "gren", "origin": "here", "path": ["x", ["x": "10", "y": "10"]],
    ])
    #expect(
      found == [
        "sample.yaml:1: count: found 0, expected a whole number from 1 to 100",
        "sample.yaml:2: scale: found \"fast\", expected a number above 0",
        "sample.yaml:3: visible: found \"yes\", expected true or false",
        "sample.yaml:4: title: found \"\", expected text that is not empty",
        "sample.yaml:5: limit: found 0, expected a whole number of at least 1, or null",
        "sample.yaml:6: color: found \"gren\", expected red, green or blue; did you mean green?",
        "sample.yaml:7: origin: found \"here\", expected a map of keys",
        "sample.yaml:8: path[0]: found \"x\", expected a map of keys",
        "sample.yaml:9: path[1].x: found 10, expected a whole number from -9 to 9",
        "sample.yaml:10: path[1].y: found 10, expected a whole number from -9 to 9",
      ])
  }

  @Test func anEmptySectionIsOneOfDefaultsButAnEmptyScalarIsAnError() throws {
    let empty = try SampleConfiguration(settings: ["origin": SettingNode(.null)])
    #expect(empty == SampleConfiguration())
    #expect(
      problems(in: ["count": SettingNode(.null)]) == [
        "sample.yaml:1: count: found nothing, expected a whole number from 1 to 100"
      ])
  }

  @Test func unknownKeysAreErrorsThatNameTheNearestKnownOne() {
    let found = problems(in: [
      "cuont": "3", "origin": ["z": "3"], "strokeWidth": "1", "nothing_like_it": "1", "radii": [],
    ])
    #expect(
      found == [
        "sample.yaml:1: cuont: unknown key; did you mean count?",
        "sample.yaml:3: origin.z: unknown key; the keys here are x, y",
        "sample.yaml:4: strokeWidth: unknown key; did you mean figure.stroke_width?",
        "sample.yaml:5: nothing_like_it: unknown key; the keys here are count, scale, visible, "
          + "title, note, limit, color, origin, path, figure",
        "sample.yaml:6: radii: unknown key; did you mean figure.radii?",
      ])
  }

  @Test func aKeyWrittenTwiceIsAnErrorThatNamesTheFirst() {
    #expect(
      problems(in: ["count": "1", "scale": "1", "count": "200"]) == [
        "sample.yaml:3: count: the key occurs twice, first at sample.yaml:1: keep one"
      ])
  }

  @Test func writingAndReadingBackGivesTheSameConfiguration() throws {
    var sample = SampleConfiguration()
    sample.count = 99
    sample.scale = 1.0 / 3.0
    sample.note = "null"
    sample.limit = nil
    sample.path = [.init(x: 1, y: 2), .init(x: -3, y: 4)]
    sample.figure.shape = .ellipse(.init(radii: [1e-8, 0.1], filled: true))
    #expect(try SampleConfiguration(settings: sample.settingNode) == sample)
  }

  @Test func aConfigurationMadeInCodeCanBeValidated() {
    var sample = SampleConfiguration()
    sample.count = 1000
    sample.origin.x = 3
    let error = #expect(throws: ConfigurationError.self) { try sample.validate() }
    #expect(
      error?.violations.map(\.description) == [
        "count: found 1000, expected a whole number from 1 to 100",
        "origin.x: found 3, expected at most y (2)",
      ])
  }

  @Test func aDescriptionOfSeveralProblemsCountsThem() {
    let one = Violation(.syntax("bad"), at: .root, origin: SettingOrigin(source: "a", line: 2))
    let two = Violation(.syntax("worse"), at: .root, origin: SettingOrigin(source: "a", line: 1))
    #expect(ConfigurationError(violations: [one]).description == "a:2: bad")
    #expect(
      ConfigurationError(violations: [one, two]).description
        == "2 problems in the configuration:\n  a:1: worse\n  a:2: bad")
  }
}
