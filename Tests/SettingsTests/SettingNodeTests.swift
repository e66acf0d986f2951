import LockstepSettings
import Testing

@Suite struct SettingNodeTests {
  @Test func settingAPathReplacesInPlaceAndMakesWhatIsMissing() {
    var tree: SettingNode = ["a": "1", "b": ["c": "2"], "d": "3"]
    tree.set("a", to: "9")
    tree.set("b.e.f", to: "4")
    tree.set("d.g", to: "5")
    tree.set("h", to: ["i"])
    #expect(
      tree == ["a": "9", "b": ["c": "2", "e": ["f": "4"]], "d": ["g": "5"], "h": ["i"]])
    #expect(tree["b.e.f"] == "4")
    #expect(tree["b.x"] == nil)
    #expect(tree["a.x"] == nil)
  }

  @Test func settingAPathOfAnEmptyTreeMakesAMap() {
    var tree = SettingNode(.null)
    tree.set("a.b", to: "1")
    #expect(tree == ["a": ["b": "1"]])
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
