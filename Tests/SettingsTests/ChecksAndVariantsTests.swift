import LockstepSettings
import Testing

@Suite struct SettingChecksTests {
  @Test func aViolationBetweenKeysNamesTheLineOfTheKeyThatIsWritten() {
    #expect(
      problems(in: ["count": "1", "origin": ["x": "5"]]) == [
        "sample.yaml:3: origin.x: found 5, expected at most y (2)"
      ])
    #expect(
      problems(in: ["origin": ["y": "-1"]]) == [
        "sample.yaml:2: origin.x: found 1 (the default), expected at most y (-1)"
      ])
  }

  @Test func aCheckIsSkippedWhereAKeyOfItIsWrongByItself() {
    #expect(
      problems(in: ["origin": ["x": "5", "y": "up"]]) == [
        "sample.yaml:3: origin.y: found \"up\", expected a whole number from -9 to 9"
      ])
  }

  @Test func additionalChecksAreReportedTogetherWithTheRest() {
    let tree: SettingNode = ["count": "3", "scale": "-1"]
    let earlier = Violation(.syntax("torn"), at: .root, origin: nil)
    let error = #expect(throws: ConfigurationError.self) {
      try SampleConfiguration(settings: tree, earlier: [earlier]) { sample, checks in
        checks.require(sample.count > 5, "count", "more than 5")
        checks.require(sample.scale > 9, "scale", "more than 9")
      }
    }
    #expect(
      error?.violations.map(\.description) == [
        "torn", "scale: found -1, expected a number above 0",
        "count: found 3, expected more than 5",
      ])
  }
}

@Suite struct VariantsTests {
  typealias Sample = SampleConfiguration

  @Test func theChosenVariantsKeysAreReadAndWrittenBesideTheSectionsOwn() throws {
    let read = try Sample(settings: [
      "figure": ["stroke_width": "1", "radii": ["3", "4"], "kind": "ellipse"]
    ])
    #expect(read.figure.shape == .ellipse(.init(radii: [3, 4], filled: false)))
    #expect(read.figure.strokeWidth == 1)
    #expect(
      read.figure.settingNode == [
        "kind": "ellipse", "radii": ["3.0", "4.0"], "filled": "false", "stroke_width": "1.0",
      ])
  }

  @Test func theChosenVariantsOwnChecksHold() {
    #expect(
      problems(in: ["figure": ["kind": "ellipse", "radii": ["4", "3"]]]) == [
        "sample.yaml:3: figure.radii: found [4.0, 3.0], expected the shorter one first"
      ])
    #expect(problems(in: ["figure": ["kind": "line", "length": "3"]]) == [])
  }

  @Test func withoutTheSelectorTheDefaultVariantIsRead() throws {
    let read = try Sample(settings: ["figure": ["length": "8"]])
    #expect(read.figure.shape == .line(.init(length: 8)))
  }

  @Test func aVariantMayHaveNoKeys() throws {
    let read = try Sample(settings: ["figure": ["kind": "dot"]])
    #expect(read.figure.shape == .dot)
    #expect(try Sample(settings: read.settingNode) == read)
  }

  @Test func aKeyOfAnotherVariantIsAnErrorThatSaysWhose() {
    #expect(
      problems(in: ["figure": ["kind": "ellipse", "length": "8", "fillled": "true"]]) == [
        "sample.yaml:3: figure.length: a key of kind: line, but here kind is ellipse: leave it out, or choose another kind",
        "sample.yaml:4: figure.fillled: unknown key; did you mean filled?",
      ])
    #expect(
      problems(in: ["figure": ["filled": "true"]]) == [
        "sample.yaml:2: figure.filled: a key of kind: ellipse, but here kind is line: leave it out, or choose another kind"
      ])
  }

  @Test func anUnknownVariantIsOneErrorAndItsKeysAreNotBlamed() {
    #expect(
      problems(in: ["figure": ["kind": "elipse", "radii": ["1"], "colour": "red"]]) == [
        "sample.yaml:2: figure.kind: found \"elipse\", expected dot, line or ellipse; "
          + "did you mean ellipse?",
        "sample.yaml:4: figure.colour: unknown key; the keys here are kind, stroke_width",
      ])
  }

  @Test func elementsOfAListAreBlamedByIndexOnlyWhenTheyAreOfTheWrongType() {
    #expect(
      problems(in: ["figure": ["kind": "ellipse", "radii": ["1", "x"]]]) == [
        "sample.yaml:3: figure.radii[1]: found \"x\", expected a number"
      ])
    #expect(
      problems(in: ["figure": ["kind": "ellipse", "radii": ["1", "-1"]]]) == [
        "sample.yaml:3: figure.radii: found [1, -1], "
          + "expected a list of 2, each a number above 0"
      ])
  }
}
