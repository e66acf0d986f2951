import LockstepSettings
import Testing

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1),
    ("abc", "ab", 1), ("abc", "xabc", 1), ("ca", "abc", 3), ("kitten", "sitting", 3),
  ])
  func distanceCountsEdits(_ first: String, _ second: String, _ edits: Int) {
    #expect(Suggestion.distance(Array(first), Array(second)) == edits)
    #expect(Suggestion.distance(Array(second), Array(first)) == edits)
  }

  @Test(arguments: [
    ("learning_rat", "learning_rate"), ("learningRate", "learning_rate"), ("lr", "learning_rate"),
    ("LEARNING-RATE", "learning_rate"), ("momentom", "momentum"), ("nmae", "name"),
    ("beta", "betas"), ("weight_deacy", "weight_decay"),
  ])
  func whatWasMeantIsFound(_ written: String, _ meant: String) {
    let keys = ["name", "learning_rate", "betas", "momentum", "weight_decay"]
    #expect(Suggestion.nearest(to: written, among: keys) == meant)
  }

  @Test(arguments: ["x", "dropout", "optimizer", "abcdefgh"])
  func nothingIsSuggestedForWhatIsFar(_ written: String) {
    let keys = ["name", "learning_rate", "betas", "momentum", "weight_decay"]
    #expect(Suggestion.nearest(to: written, among: keys) == nil)
    #expect(Suggestion.nearest(to: written, among: []) == nil)
  }
}
