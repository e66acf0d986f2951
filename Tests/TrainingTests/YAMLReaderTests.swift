import LockstepSettings
import LockstepTraining
import Testing

/// What a short text can make large or slow ends in a message that names the bound.
@Suite struct YAMLReaderTests {
  private func read(_ yaml: String) -> (tree: SettingNode?, problems: [String]) {
    var violations: [Violation] = []
    let tree = YAMLReader(source: "a.yaml").read(yaml, reporting: &violations)
    return (tree, violations.map(\.description))
  }

  @Test(arguments: ["\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}"])
  func everyBreakOfLinesIsCountedAndKeepsItsKeysApart(_ lineBreak: String) {
    do throws(ConfigurationError) {
      _ = try RunConfiguration.parse(
        yaml: "steps: 1\(lineBreak)steps: 2\(lineBreak)lr: 3", source: "a.yaml")
      Issue.record("a repeated key is accepted")
    } catch {
      #expect(
        error.violations.map(\.description) == [
          "a.yaml:2: steps: the key occurs twice, first at a.yaml:1: keep one",
          "a.yaml:3: lr: unknown key; did you mean optimizer.learning_rate?",
        ])
    }
  }

  /// Whatever its characters are, and with blanks around each, which readers drop at the ends of lines.
  @Test(arguments: Array(stride(from: UInt32(0), to: 0x1_1000, by: 0x1000)))
  func textIsReadAsItWasWritten(first: UInt32) {
    let scalars = (first..<first + 0x1000).compactMap(Unicode.Scalar.init)
    let texts = ["", " "].map { scalars.map(String.init).joined(separator: $0) }
    for text in texts {
      let (tree, problems) = read(YAMLWriter().write(SettingNode(.text(text))))
      #expect(problems.isEmpty)
      let isSame =
        if case .text(let found)? = tree?.content {
          found.unicodeScalars.elementsEqual(text.unicodeScalars)
        } else { false }
      #expect(isSame)
    }
  }

  @Test func aKeyThatIsRepeatedAThousandTimesIsToldAHundredTimes() throws {
    let yaml = String(repeating: "steps: 1\n", count: 1000)
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration.parse(yaml: yaml, source: "a.yaml")
    }
    #expect(error?.violations.count == 999)
    #expect(error?.description.hasSuffix("  and 899 more") == true)
  }

  @Test func aliasesAreCountedAsOftenAsTheyAreUsed() {
    let lines = (1...20).map { "k\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }
    let bomb = read("k0: &a0 [x, x]\n" + lines.joined())
    #expect(bomb.tree == nil)
    #expect(bomb.problems.count == 1)
    #expect(bomb.problems.first?.contains("more than 50000 values") == true, "\(bomb.problems)")
    let keys = read("a: &a [1, 2]\n" + (0..<50).map { "? [*a, *a]\n: \($0)\n" }.joined())
    #expect(keys.problems == [])
    #expect(read("a: &a {b: 1}\nc: *a").tree?["c.b"]?.scalar == "1")
    #expect(read("a: &a [*a]").problems.first?.contains("undefined alias") == true)
  }

  @Test func depthHasABoundThroughAliasesToo() {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(read("a: " + nested(YAMLReader.deepest - 1)).problems == [])
    let links = (1...100).map { "k\($0): &a\($0) [*a\($0 - 1)]\n" }.joined()
    for yaml in ["a: " + nested(YAMLReader.deepest), nested(900), "k: &a0 [x]\n" + links] {
      let problems = read(yaml).problems
      #expect(problems.first?.contains("nested deeper than 64 levels") == true, "\(problems)")
    }
    #expect(read(nested(100_000)).problems.count == 1)
  }

  @Test func keysAreTakenAsTheyAreWritten() {
    let tree = read("null: 1\n~: 2\n'': 3\n\"a b\": 4\n[x, y]: 5").tree
    #expect(tree?.entries?.map(\.key) == ["null", "~", "", "a b", "[\"x\", \"y\"]"])
  }

  @Test func aTextOfUnknownKeysEndsInItsErrors() {
    let yaml = (0..<9000).map { "key_number_\($0): \($0)\n" }.joined()
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration.parse(yaml: yaml, source: "a.yaml")
    }
    #expect(error?.violations.count == 9000)
  }
}
