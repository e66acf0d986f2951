import LockstepSettings
import TestSupport
import Testing

@Suite struct OneOrMoreTests {
  /// A map with a shorthand.
  struct Source: Configurable {
    var path = "here"
    var weight = 1.0

    init() {}
    init(_ path: String, _ weight: Double = 1) { (self.path, self.weight) = (path, weight) }

    static let shorthandKey: String? = "path"
    static var expectation: String { "a source" }
    static var fields: [Field<Self>] {
      [
        Field("path", \.path, .path, meaning: "Where."),
        Field("weight", \.weight, .above(0), meaning: "How much."),
      ]
    }
  }

  struct Root: Configurable {
    var sources = OneOrMore(Source())
    var names = OneOrMore("a")

    static var fields: [Field<Self>] {
      [
        Field("sources", \.sources, meaning: "Several."),
        Field("names", \.names, .each(.notEmpty), meaning: "Words."),
      ]
    }
  }

  static let written: [(SettingNode, [Source])] = [
    ("b", [Source("b")]),
    (["b", "c"], [Source("b"), Source("c")]),
    (["path": "b", "weight": "2"], [Source("b", 2)]),
    (
      [["path": "b", "weight": "2"], "c", ["weight": "3"]],
      [Source("b", 2), Source("c"), Source("here", 3)]
    ),
  ]

  @Test(arguments: written)
  func oneValueOrAListIsReadAndWritten(node: SettingNode, sources: [Source]) throws {
    let read = try Root(settings: ["sources": node])
    #expect(read.sources.elements == sources)
    #expect(try Root(settings: read.settingNode) == read)
  }

  @Test func whatHasAShorthandIsWrittenSo() {
    #expect(OneOrMore(Source("b")).settingNode == SettingNode(.text("b")))
    #expect(
      OneOrMore(elements: [Source("b"), Source("c", 2)]).settingNode
        == [SettingNode(.text("b")), ["path": SettingNode(.text("c")), "weight": "2.0"]])
    // Alone it stays in a list: it has no keys of its own in the section.
    #expect(
      OneOrMore(Source("c", 2)).settingNode
        == [["path": SettingNode(.text("c")), "weight": "2.0"]])
  }

  static let wrong: [(String, SettingNode, String)] = [
    ("sources", SettingNode(.null), "sources: found nothing, expected a source, or a list"),
    ("sources", [], "sources: found [], expected a source, or a list of at least one such"),
    ("sources", ["b", []], "sources[1]: found [], expected a source"),
    ("sources", [["weight": "0"]], "sources[0].weight: found 0, expected a number above 0"),
    ("names", ["a", ""], "names: found [\"a\", \"\"], expected text that is not empty, or a list"),
  ]

  @Test(arguments: wrong)
  func wrongValuesAreReported(key: String, node: SettingNode, message: String) {
    let error = #expect(throws: ConfigurationError.self) { try Root(settings: [key: node]) }
    #expect(error?.description.hasPrefix(message) == true, "\(error as Any)")
  }

  @Test func aKeyWithAShorthandIsDocumentedItselfAndByItsKeys() {
    let page = """
      <!-- begin keys of top level -->
      <!-- end keys of top level -->
      <!-- begin keys of sources -->
      <!-- end keys of sources -->
      """
    let (text, missing) = MarkdownReference(Root.keyDescriptions).updating(page)
    #expect(missing == [])
    #expect(text.contains("| `sources` | `here` | a source, or a list of at least one such |"))
    #expect(text.contains("| `sources.weight` | `1.0` | a number above 0 | How much. |"))
  }
}
