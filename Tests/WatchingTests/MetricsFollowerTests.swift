import Foundation
import LockstepWatching
import TestSupport
import Testing

/// The incremental reader against JSONSerialization, which reads the whole file.
struct MetricsFollowerTests {
  /// What a table should hold, read the slow way.
  private struct Naive: Equatable {
    var steps: [Int] = []
    var columns: [String: [Double?]] = [:]

    init(_ text: String, having key: String) throws {
      for line in text.split(separator: "\n") {
        let object =
          try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        guard object[key] != nil, let step = object["step"] as? Int else { continue }
        steps.append(step)
        for (name, value) in object where name != "step" {
          guard let number = value as? Double else { continue }
          let missing = steps.count - 1 - (columns[name]?.count ?? 0)
          columns[name, default: []] += Array(repeating: nil, count: missing) + [number]
        }
      }
      for name in columns.keys {
        let missing = steps.count - (columns[name]?.count ?? 0)
        columns[name]? += Array(repeating: nil, count: missing)
      }
    }

    init(_ table: MetricsTable) {
      steps = table.steps
      for name in table.names {
        columns[name] = table[name]?.map { $0.isNaN ? nil : $0 }
      }
    }
  }

  /// Numbers of all kinds that lines may hold, exact in a double's first 15 digits.
  private static func number(using generator: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: String(Int.random(in: -999_999_999...999_999_999, using: &generator))
    case 1: String(format: "%.9e", Double.random(in: -1...1, using: &generator))
    case 2: String(format: "%.6f", Double.random(in: 0...1000, using: &generator))
    case 3: String(format: "%.3e", 1e-300 * Double.random(in: 1...2, using: &generator))
    case 4: "0.0"
    default: "-1.5E+03"
    }
  }

  private static func text(lines: Int, using generator: inout SeededGenerator) -> String {
    (1...lines).map { step in
      func member(_ name: String) -> String { "\"\(name)\": \(number(using: &generator))" }
      switch Int.random(in: 0..<8, using: &generator) {
      case 0:
        return "{\"step\":\(step),\(member("validation_loss")),\(member("accuracy"))}"
      case 1:
        // What a later version may write, nested and with quotes.
        return #"{"step":\#(step),"other":{"a":["}\"",1]},"note":"x\\\"{","on":true,"off":null}"#
      case 2:
        return
          "{ \(member("loss")) ,\t\"extra\":[1,{\"loss\":2}], \"step\" : \(step) , \(member("ü"))}"
      default:
        return "{\"step\":\(step),\(member("loss")),\(member("learning_rate"))}"
      }
    }.joined(separator: "\n") + "\n"
  }

  @Test(arguments: 1...20)
  func cutsAnywhereGiveWhatTheWholeFileGives(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let text = Self.text(lines: 60, using: &generator)
    let files = try RunFiles()
    try files.begin("run")
    var follower = MetricsFollower(
      path: files.path + "/run/metrics.jsonl", chunk: Int.random(in: 1...300, using: &generator))
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = min(rest.count, Int.random(in: 1...400, using: &generator))
      // Cut between bytes, also of one character.
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: follower.path))
      try file.seekToEnd()
      try file.write(contentsOf: Data(rest.prefix(count)))
      try file.close()
      rest = rest.dropFirst(count)
      try follower.advance()
    }
    #expect(try Naive(follower.metrics.steps) == Naive(text, having: "loss"))
    #expect(try Naive(follower.metrics.evaluations) == Naive(text, having: "validation_loss"))
    #expect(follower.metrics.damagedLines == 0)
    #expect(follower.generation == 0)
  }

  @Test func halfALineWaitsForItsOtherHalf() throws {
    let files = try RunFiles()
    try files.begin("run")
    var follower = MetricsFollower(path: files.path + "/run/metrics.jsonl")
    let line = RunFiles.step(2, loss: 2.25)
    try files.append(RunFiles.step(1, loss: 3) + line.prefix(20), to: "run")
    try follower.advance()
    #expect(follower.metrics.steps.steps == [1])
    #expect(follower.metrics.damagedLines == 0)
    try files.append(String(line.dropFirst(20)), to: "run")
    try follower.advance()
    #expect(follower.metrics.steps.steps == [1, 2])
    #expect(follower.metrics.steps["loss"] == [3, 2.25])
  }

  @Test func aFileThatWasCutIsReadAnew() throws {
    let files = try RunFiles()
    try files.begin("run")
    var follower = MetricsFollower(path: files.path + "/run/metrics.jsonl")
    let kept = RunFiles.step(1, loss: 5) + RunFiles.step(2, loss: 4)
    try files.append(kept + RunFiles.step(3, loss: 3), to: "run")
    try follower.advance()
    // A resumed run removes the steps that it takes again.
    try files.cut("run", to: kept.utf8.count)
    try follower.advance()
    #expect(follower.metrics.steps.steps == [1, 2])
    #expect(follower.generation == 1)
    // Cut and grown beyond its former length before anyone looks.
    try files.append(RunFiles.step(3, loss: 3), to: "run")
    try follower.advance()
    try files.cut("run", to: kept.utf8.count)
    try files.append(RunFiles.step(3, loss: 2.5) + RunFiles.step(4, loss: 2), to: "run")
    try follower.advance()
    #expect(follower.metrics.steps["loss"] == [5, 4, 2.5, 2])
    #expect(follower.generation == 2)
  }

  @Test func aFileThatWasReplacedIsReadAnew() throws {
    let files = try RunFiles()
    try files.begin("run")
    var follower = MetricsFollower(path: files.path + "/run/metrics.jsonl")
    try files.append(RunFiles.step(1, loss: 5), to: "run")
    try follower.advance()
    try files.directory.write("new", RunFiles.step(1, loss: 6) + RunFiles.step(2, loss: 7))
    #expect(rename(files.path + "/new", follower.path) == 0)
    try follower.advance()
    #expect(follower.metrics.steps["loss"] == [6, 7])
    #expect(unlink(follower.path) == 0)
    try follower.advance()
    #expect(follower.metrics.steps.count == 0)
  }

  @Test func ranksAndSamplesAndNumbersThatAreNoneAreRead() throws {
    let files = try RunFiles()
    try files.begin("run")
    try files.append(
      """
      {"step":10,"ranks":[{"forward_seconds":0.25,"resident_bytes":100},{"forward_seconds":0.5,"resident_bytes":300}]}
      {"step":10,"samples":[{"prompt":"a \\"b\\" ]","text":"c"}]}
      {"step":11,"loss":"NaN","learning_rate":"-Infinity"}
      {"step":12,"loss":1
      not JSON
      {"loss":1}

      """, to: "run")
    var follower = MetricsFollower(path: files.path + "/run/metrics.jsonl")
    try follower.advance()
    let metrics = follower.metrics
    #expect(metrics.rankCount == 2)
    #expect(metrics.ranks["0.forward_seconds"] == [0.25])
    #expect(metrics.ranks["1.forward_seconds"] == [0.5])
    #expect(metrics.ranks["memory"] == [300])
    #expect(metrics.sampleCount == 1)
    #expect(metrics.steps["loss"]?.first?.isNaN == true)
    #expect(metrics.steps["learning_rate"] == [-.infinity])
    #expect(metrics.damagedLines == 2)
  }

  /// What the page gets as it is must be JSON, or the page has nothing at all.
  @Test func linesWithSamplesAreKeptOnlyIfTheyAreJSON() async throws {
    let files = try RunFiles()
    try files.begin("run")
    try files.append(
      """
      {"step":1,"samples":[x}}
      {"step":2,"samples":[{"text":"a\tb"}]}
      {"step":3,"samples":[{"text":"\\x"}]}
      {"step":4,"samples":[1}}
      {"step":5,"samples":[],"samples":1}
      {"step":6,"samples":[{"text":"a\\tb"}]}
      {"step":7,"loss":-9223372036854775808}

      """, to: "run")
    var follower = MetricsFollower(path: files.path + "/run/metrics.jsonl")
    try follower.advance()
    #expect(follower.metrics.sampleCount == 1)
    #expect(follower.metrics.damagedLines == 5)
    let runs = WatchedRuns(RunSearch(paths: [files.path]))
    for message in await runs.news(since: WatchedRuns.Told()).messages {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(message.utf8)) }
    }
  }
}
