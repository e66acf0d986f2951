import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// What a run writes is what `docs/run-directory.md` says of it.
  @Suite struct RunDirectoryTests {
    private let page: RunDirectoryPage

    init() throws { page = try RunDirectoryPage() }

    private func object(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func objects(_ value: Any?) throws -> [[String: Any]] {
      try #require(value as? [[String: Any]])
    }

    /// Compares a run's files and their members with the page.
    ///
    /// - Parameter step: The last step, of which there is a checkpoint.
    private func compare(_ bench: Workbench, _ run: String, step: Int) throws {
      let metrics = page.tables(below: "### An evaluation")[1]
      let lines = [
        "loss": page.tables(below: "### A step")[0],
        "validation_loss": page.tables(below: "### An evaluation")[0].union(metrics),
        "ranks": page.tables(below: "### The ranks")[0],
        "samples": page.tables(below: "### Samples")[0],
      ]
      var found: Set<String> = []
      for text in try bench.text(run + "/metrics.jsonl").split(separator: "\n") {
        let line = try object(String(text))
        let kind = try #require(lines.keys.filter { line[$0] != nil }.first, "\(text)")
        let unnamed = Set(line.keys).subtracting(lines[kind] ?? [])
        #expect(page.unnamedMetrics(of: unnamed) == [], "\(kind)")
        found.insert(kind)
        for rank in line["ranks"] as? [[String: Any]] ?? [] {
          #expect(page.tables(below: "### The ranks")[1] == Set(rank.keys))
        }
        for sample in line["samples"] as? [[String: Any]] ?? [] {
          #expect(page.tables(below: "### Samples")[1].isSuperset(of: sample.keys))
        }
      }
      #expect(found == Set(lines.keys))
      let summary = try object(bench.text(run + "/summary.json"))
      let unnamed = Set(summary.keys).subtracting(page.tables(below: "## summary.json")[0])
      #expect(page.unnamedMetrics(of: unnamed) == [])

      let data = try object(bench.text(run + "/data.json"))
      let records = page.tables(below: "## data.json")
      #expect(records[0].isSuperset(of: data.keys))
      for file in try objects(data["files"]) { #expect(records[1] == Set(file.keys)) }
      for (place, key) in ["tokenizer", "samples"].enumerated() {
        guard let members = data[key] as? [String: Any] else { continue }
        #expect(records[2 + place].isSuperset(of: members.keys))
      }

      let checkpoint = "\(run)/checkpoints/step-0000\(String(format: "%04d", step))"
      let state = try object(bench.text(checkpoint + "/state.json"))
      #expect(page.tables(below: "### state.json")[0] == Set(state.keys))
      let manifest = try object(bench.text(checkpoint + "/manifest.json"))
      let parts = page.tables(below: "### Manifest")
      #expect(parts[0] == Set(manifest.keys))
      for file in try objects(manifest["files"]) { #expect(parts[1].isSuperset(of: file.keys)) }

      let own = page.tables(below: "## The directory")[0]
      let names = try FileManager.default.contentsOfDirectory(atPath: bench.path(run))
      #expect(Set(names).subtracting(own) == [])
      let files = try FileManager.default.contentsOfDirectory(atPath: bench.path(checkpoint))
      #expect(Set(files).subtracting(page.tables(below: "## A checkpoint")[0]) == [])
    }

    @Test func aRunThatLearnsTextWritesWhatThePageSays() throws {
      let bench = try Workbench()
      try bench.train(
        "run",
        Workbench.tiny + [
          "--set", "steps=20", "--set", "samples={every: 10, prompts: [a], max_tokens: 3}",
          "--set", "average.name=exponential", "--profile", "2-3",
        ])
      try compare(bench, "run", step: 20)
    }

    @Test func aRunThatLearnsATableWritesWhatThePageSays() throws {
      let bench = try Workbench.ofSamples()
      let ending = try bench.run([
        "train", "kinds.yaml", "--quiet", "--output", "run", "--set", "steps=20", "--set",
        "samples.every=10",
      ])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      try compare(bench, "run", step: 20)
    }
  }
}
