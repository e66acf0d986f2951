import LockstepReporting
import Testing

@Suite struct TerminalColumnsTests {
  @Test(arguments: [
    ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("ｶﾅ", 2), ("全角Ａ", 6), ("한국", 4),
    ("\u{1112}\u{1161}\u{11AB}", 2), ("🙂", 2), ("🇩🇪", 2), ("❤\u{FE0F}", 2), ("⠿│→", 3),
    ("a\u{200D}b", 2),
    ("日本語。", 8),
  ])
  func aTextTakesAsManyColumnsAsInATerminal(text: String, columns: Int) {
    #expect(text.columns == columns)
  }

  @Test func aTextIsCutBetweenCharacters() {
    #expect("漢字ab".prefix(columns: 3) == "漢")
    #expect("漢字ab".prefix(columns: 5) == "漢字a")
    #expect("e\u{301}x".prefix(columns: 1) == "e\u{301}")
    #expect("漢".prefix(columns: 1).isEmpty && "a".prefix(columns: 0).isEmpty)
    #expect("ab".prefix(columns: .max) == "ab")
  }

  @Test func spacesFillUpColumns() {
    #expect("漢".leftPadded(to: 4) == "  漢" && "漢".rightPadded(to: 4) == "漢  ")
    #expect("漢字".leftPadded(to: 3) == "漢字")
  }
}
