import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `lockstep redact`, and the same in `prepare`.
  @Suite struct RedactCommandTests {
    private static let text = """
      Ada Lovelace writes to ada@example.com, and calls 0171 1234567.
      The year is 2024, version 1.2.3.4.

      """

    private func bench() throws -> Workbench {
      let bench = try Workbench()
      try bench.write(Self.text, to: "mail.txt")
      try bench.write("# customers\nAda Lovelace\n", to: "names.txt")
      let made = try bench.run(["key", "--output", "key", "--quiet"])
      try #require(made.exitCode == 0, "\(made.errorOutput)")
      return bench
    }

    @Test func marksReplaceWhatIsFoundAndTheReportCountsIt() throws {
      let bench = try bench()
      let ending = try bench.run(
        ["redact", "mail.txt", "--output", "out.txt", "--names", "names.txt", "--json"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(
        try bench.text("out.txt") == """
          [NAME] writes to [EMAIL], and calls [PHONE].
          The year is 2024, version 1.2.3.4.

          """)
      let report = try #require(
        JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
      let found = try #require(report["found"] as? [String: Int])
      #expect(found["email"] == 1 && found["phone"] == 1 && found["name"] == 1)
      #expect(found["card"] == 0)
      for secret in ["ada@", "0171", "Lovelace"] { #expect(!ending.output.contains(secret)) }
      let again = try bench.run(["redact", "mail.txt", "--output", "out.txt"])
      #expect(again.exitCode == 2 && again.errorOutput.contains("--overwrite"))
    }

    @Test func standardInputGoesToStandardOutputAndTheReportToStandardError() throws {
      let bench = try bench()
      let ending = try bench.run(
        ["redact", "-", "--output", "-", "--format", "json"], input: "{\"a@b.de\": \"a@b.de\"}\n")
      #expect(ending.output == "{\"a@b.de\": \"[EMAIL]\"}\n", "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("standard input: 1 found"))
    }

    @Test func pseudonymsNeedAKeyAndAreTheSameInAllFiles() throws {
      let bench = try bench()
      try bench.write("from,text\nADA@example.com,x\n", to: "mail.csv")
      let refused = try bench.run(["redact", "mail.txt", "--output", "out.txt", "--pseudonyms"])
      #expect(refused.exitCode == 2 && refused.errorOutput.contains("--key-file"))
      for name in ["mail.txt", "mail.csv"] {
        let ending = try bench.run(
          ["redact", name, "--output", "out-" + name, "--pseudonyms", "--key-file", "key"])
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      let pattern = /\[EMAIL_[A-Z2-7]{12}\]/
      let first = try #require(try bench.text("out-mail.txt").firstMatch(of: pattern))
      let second = try #require(try bench.text("out-mail.csv").firstMatch(of: pattern))
      #expect(first.output == second.output)
    }

    @Test func prepareRedactsTextsPairsAndConversations() throws {
      let bench = try bench()
      try bench.write(
        "{\"prompt\": \"mail ada@example.com\", \"completion\": \"call 0171 1234567\"}\n",
        to: "talk.jsonl")
      let redact = ["--redact", "--names", "names.txt", "--tokenizer"]
      let kinds = [
        (["mail.txt"], redact + ["bytes"], "text"),
        (["mail.txt", "mail.txt", "--pairs"], redact + ["data/tokenizer.json"], "pairs"),
        (
          ["talk.jsonl", "--chat", "--template", "plain"], redact + ["data/tokenizer.json"], "chat"
        ),
      ]
      for (inputs, options, name) in kinds {
        let ending = try bench.run(
          ["prepare"] + inputs + ["--output", name, "--validation-fraction", "0"] + options)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        #expect(ending.errorOutput.contains("email"), "\(ending.errorOutput)")
        let manifest = try bench.text(name + "/dataset.json")
        #expect(manifest.contains("\"redacted\""), "\(name)")
        // A token is a byte: what is in the file can be read.
        for (path, content) in try bench.contents(of: name) where path.hasSuffix(".bin") {
          let text = String(
            decoding: stride(from: 1024, to: content.count, by: 2).map { content[$0] },
            as: UTF8.self)
          #expect(!text.contains("ada@") && !text.contains("0171"), "\(name)/\(path)")
        }
      }
      let plain = try bench.run(
        ["prepare", "mail.txt", "--output", "text", "--tokenizer", "bytes"])
      #expect(plain.exitCode == 2 && plain.errorOutput.contains("choose another --output"))
      let withoutFlag = try bench.run(
        ["prepare", "mail.txt", "--output", "other", "--names", "names.txt"])
      #expect(withoutFlag.exitCode == 2 && withoutFlag.errorOutput.contains("--redact"))
    }
  }
}
