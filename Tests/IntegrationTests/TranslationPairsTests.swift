import Foundation
import TestSupport
import Testing

/// scripts/translation_pairs.py on small indices of our own.
@Suite struct TranslationPairsTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-pairs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// Runs the script on an English and a French index.
  ///
  /// - Returns: The lines of each of the six files, by its name.
  private func pairs(_ english: String, _ french: String) throws -> [String: [String]] {
    defer { try? FileManager.default.removeItem(at: folder) }
    let texts = [("x_i18n_Translation-en", english), ("x_i18n_Translation-fr", french)]
    for (name, text) in texts {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("scripts/translation_pairs.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["python3", script.path, folder.path, "en", "fr"]
      + texts.map { folder.appendingPathComponent($0.0).path }
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    var files: [String: [String]] = [:]
    for name in ["train", "validation", "test"].flatMap({ ["\($0).en", "\($0).fr"] }) {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      files[name] = text.split(separator: "\n").map(String.init)
    }
    return files
  }

  @Test func partsOfADescriptionArePairedAndDoubtfulOnesDropped() throws {
    let english = """
      Package: alpha
      Description-md5: 11
      Description-en: editor for small texts
       This is a paragraph that goes
       over two lines.
       .
       It has:
        - many colours, and a line
          that goes on;
        * fast windows.

      Package: beta
      Description-md5: 22
      Description-en: player of all the music
       The paragraph that nobody translated.
       .
       Another one that is missing.

      Package: gamma
      Description-md5: 33
      Description-en: library without a translation

      Package: delta
      Description-md5: 44
      Description-en: viewer
       This is the same in both of the languages.

      """
    let french = """
      Package: alpha
      Description-md5: 11
      Description-fr: éditeur de petits textes
       Ceci est un paragraphe qui s’étend sur deux
       lignes.
       .
       Il possède :
        - de nombreuses couleurs, et une ligne qui
          continue ;
        - des fenêtres rapides.

      Package: beta
      Description-md5: 22
      Description-fr: lecteur de toutes les musiques
       Un seul paragraphe au lieu de deux.

      Package: delta
      Description-md5: 44
      Description-fr: visionneur
       This is the same in both of the languages.

      """
    let files = try pairs(english, french)
    let sources = ["train", "validation", "test"].flatMap { files["\($0).en"] ?? [] }
    let targets = ["train", "validation", "test"].flatMap { files["\($0).fr"] ?? [] }
    let found = Dictionary(uniqueKeysWithValues: zip(sources, targets))
    #expect(
      found == [
        "editor for small texts": "éditeur de petits textes",
        "This is a paragraph that goes over two lines.":
          "Ceci est un paragraphe qui s'étend sur deux lignes.",
        "It has:": "Il possède :",
        "many colours, and a line that goes on":
          "de nombreuses couleurs, et une ligne qui continue",
        "fast windows.": "des fenêtres rapides.",
        "player of all the music": "lecteur de toutes les musiques",
        "viewer": "visionneur",
      ])
  }

  /// By their own names nu is to be tested on, and zeta and alpha are to be learned from.
  @Test func packagesThatShareAParagraphAreInOnePart() throws {
    func index(_ language: String, _ texts: [(package: String, lines: [String])]) -> String {
      texts.enumerated().map { number, text in
        "Package: \(text.package)\nDescription-md5: \(number)\nDescription-\(language): "
          + text.lines.joined(separator: "\n ") + "\n\n"
      }.joined()
    }
    let files = try pairs(
      index(
        "en",
        [
          ("alpha", ["editor for small texts"]),
          ("nu", ["box of wooden toys", "Both of the packages say this."]),
          ("zeta", ["bag with paper flowers", "Both of the packages say this."]),
        ]),
      index(
        "fr",
        [
          ("alpha", ["éditeur de petits textes"]),
          ("nu", ["caisse de jouets en bois", "Les deux paquets disent ceci."]),
          ("zeta", ["sac avec des fleurs en papier", "Les deux paquets disent ceci."]),
        ]))
    #expect(files["train.en"] == ["editor for small texts"])
    #expect(files["validation.en"] == [])
    #expect(
      files["test.en"]?.sorted() == [
        "Both of the packages say this.", "bag with paper flowers", "box of wooden toys",
      ])
  }

  @Test func noTextIsBothLearnedFromAndTestedOn() throws {
    let colours = ["red", "green", "blue", "white", "black"]
    let french = ["rouge", "vert", "bleu", "blanc", "noir"]
    func letters(_ number: Int) -> String {
      String(String(number).map { Character(Unicode.Scalar(UInt8($0.asciiValue! + 49))) })
    }
    func index(_ language: String, _ text: (Int) -> [String]) -> String {
      (0..<600).map { number in
        "Package: p\(number)\nDescription-md5: \(number)\nDescription-\(language): "
          + text(number).joined(separator: "\n .\n ") + "\n\n"
      }.joined()
    }
    let files = try pairs(
      index("en") {
        ["thing \(letters($0))", "The thing is \(colours[$0 % 5]), \($0).", "It has a part."]
      },
      index("fr") {
        ["chose \(letters($0))", "La chose est \(french[$0 % 5]), \($0).", "Elle a une partie."]
      })
    let train = try #require(files["train.en"])
    let test = try #require(files["test.en"])
    #expect(test.count > 5 && test.count == files["test.fr"]?.count)
    #expect(train.count > 20 * test.count)
    // Texts that differ in digits only are the same.
    let known = Set(train.map { $0.filter { !$0.isNumber } })
    #expect(test.allSatisfy { !known.contains($0.filter { !$0.isNumber }) })
  }
}
