import LockstepFiles
import Testing

@Suite struct VisibleTextTests {
  @Test(arguments: [
    ("plain, ünï, 文, 🙂\n\tand a tab", "plain, ünï, 文, 🙂\n\tand a tab"),
    ("\u{1B}]0;title\u{7}red \u{1B}[31m", "\\u{1B}]0;title\\u{7}red \\u{1B}[31m"),
    ("back\rover", "back\\u{D}over"), ("\r\n", "\\u{D}\n"), ("\u{0}\u{7F}", "\\u{0}\\u{7F}"),
    ("\u{9B}31m", "\\u{9B}31m"), ("a\u{202E}b\u{2066}", "a\\u{202E}b\\u{2066}"), ("", ""),
  ])
  func controlCharactersAreWrittenOut(text: String, visible: String) {
    #expect(text.visible == visible)
  }
}
