import Foundation
import LockstepRedaction
import Testing

/// Whatever a list says is found.
@Suite struct NameListTests {
  private func redacted(
    _ text: String, names list: String, ignoringCase: Bool = false
  ) throws -> String {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-names-\(UUID().uuidString)")
    try Data(list.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var names = NameList(ignoringCase: ignoringCase)
    try names.add(file: file.path)
    return try Redactor(names: names).redacted(text)
  }

  @Test(arguments: [false, true]) func aByteOrderMarkIsNoPartOfTheFirstName(ignoringCase: Bool)
    throws
  {
    #expect(
      try redacted("with Ada", names: "\u{FEFF}Ada\nGrace\n", ignoringCase: ignoringCase)
        == "with [NAME]")
    #expect(
      try redacted("with # Ada", names: "\u{FEFF}# Ada\nGrace\n", ignoringCase: ignoringCase)
        == "with # Ada")
  }

  @Test(arguments: [false, true]) func aNameMayBeginWithASign(ignoringCase: Bool) throws {
    let list = "'t Hooft\n‘Abd al-Rahman\n@handle\n«Ü» Özil\n"
    let text = """
      'T HOOFT, ’t  Hooft, 't
      Hooft; “‘Abd
      al-Rahman”: (@handle) @handle2 «Ü» Özil 't Hoof
      can't Hooft, me@handle
      """
    #expect(
      try redacted(text, names: list, ignoringCase: ignoringCase) == """
        [NAME], [NAME], [NAME]
        ; “[NAME]
        ”: ([NAME]) @handle2 [NAME] 't Hoof
        can't Hooft, me@handle
        """)
  }

  @Test(arguments: ["İbrahim Çiçek", "Ibrahim Cicek", "İBRAHİM ÇİÇEK"])
  func turkishCapitalsAreCapitalsToo(name: String) throws {
    let turkish = name == "Ibrahim Cicek" ? "IBRAHİM CİCEK" : "İBRAHİM ÇİÇEK"
    for text in [turkish, turkish.decomposedStringWithCanonicalMapping] {
      let found = try redacted("x \(text), \(name.lowercased())", names: name + "\n")
      #expect(found == "x [NAME], \(name.lowercased())")
    }
  }

  @Test func signsWithinANameAreFoundInAnyLetters() throws {
    #expect(
      try redacted("anna–MARIA, Anna-Maria", names: "Anna–Maria\n", ignoringCase: true)
        == "[NAME], Anna-Maria")
  }

  @Test(arguments: [
    "İbrahim", "İbrahim".decomposedStringWithCanonicalMapping, "İBRAHİM", "Ibrahim",
  ])
  func theDottedCapitalIsAnI(name: String) throws {
    let text = "x İbrahim, İBRAHİM, ibrahim, Ibrahimi"
    #expect(
      try redacted(text, names: name + "\n", ignoringCase: true)
        == "x [NAME], [NAME], [NAME], Ibrahimi")
    let decomposed = text.decomposedStringWithCanonicalMapping
    #expect(
      try redacted(decomposed, names: name + "\n", ignoringCase: true)
        == "x [NAME], [NAME], [NAME], Ibrahimi")
  }
}
