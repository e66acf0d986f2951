import LockstepSettings
import Testing

@Suite struct SettingNodeTests {
  @Test func settingAPathReplacesInPlaceAndMakesWhatIsMissing() throws {
    var tree: SettingNode = ["a": "1", "b": ["c": "2"], "d": SettingNode(.null)]
    try tree.set("a", to: "9")
    try tree.set("b.e.f", to: "4")
    try tree.set("d.g", to: "5")
    try tree.set("h", to: ["i"])
    #expect(
      tree == ["a": "9", "b": ["c": "2", "e": ["f": "4"]], "d": ["g": "5"], "h": ["i"]])
    #expect(tree["b.e.f"] == "4")
    #expect(tree["b.x"] == nil)
    #expect(tree["a.x"] == nil)
  }

  @Test func settingAPathOfAnEmptyTreeMakesAMap() throws {
    var tree = SettingNode(.null)
    try tree.set("a.b", to: "1")
    #expect(tree == ["a": ["b": "1"]])
  }

  @Test(arguments: ["d", ["d", "e"]] as [SettingNode])
  func settingAPathThroughAValueIsRefusedAndChangesNothing(_ value: SettingNode) {
    let original: SettingNode = ["a": "1", "b": ["c": value]]
    var tree = original
    let violation = #expect(throws: Violation.self) { try tree.set("b.c.x.y", to: "9") }
    #expect(tree == original)
    #expect(violation?.path.description == "b.c.x.y")
    guard case .discards(let key, let found, _, _)? = violation?.problem else {
      Issue.record("\(violation as Any)")
      return
    }
    #expect(key == "b.c" && found == value.summary)
  }

  @Test func anAnonymousSectionIsNamedByItsSelector() throws {
    let keys = SampleConfiguration.keyDescriptions
    var tree: SettingNode = ["figure": "ellipse"]
    let violation = #expect(throws: Violation.self) {
      try tree.set("figure.stroke_width", to: "2", keys: keys)
    }
    #expect(
      violation?.description == "figure.stroke_width: would discard figure, which is "
        + "\"ellipse\": write figure: {kind: ellipse}")
  }

  @Test func equalityIsOfWhatIsSaidAndNotOfWhere() {
    let first = SettingNode(.plain("1"), origin: SettingOrigin(source: "a", line: 1))
    #expect(first == SettingNode(.plain("1"), origin: SettingOrigin(source: "b", line: 2)))
    #expect(first != SettingNode(.text("1"), origin: first.origin))
    #expect(["a": first] as SettingNode != ["b": first])
  }

  @Test func aPathIsWithinItselfItsParentsAndTheRoot() {
    let path = SettingPath(description: "optimizer.betas[1]")
    #expect(path.isWithin(.root))
    #expect(path.isWithin(SettingPath(description: "optimizer")))
    #expect(path.isWithin(SettingPath(description: "optimizer.betas")))
    #expect(!path.isWithin(SettingPath(description: "optimizer.beta")))
    #expect(!SettingPath(description: "optimizers").isWithin(SettingPath(description: "optimizer")))
  }
}
