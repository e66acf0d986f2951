import Foundation
import LockstepWatching
import TestSupport
import Testing

struct CurveSectionTests {
  /// A table with so many steps, and its losses.
  private func table(
    _ count: Int, using generator: inout SeededGenerator
  ) throws -> (table: MetricsTable, losses: [Double]) {
    let files = try RunFiles()
    try files.begin("run")
    let losses = (0..<count).map { _ in
      Double.random(in: 0...10, using: &generator) < 0.5
        ? Double.nan : (Double.random(in: -5...5, using: &generator) * 1e6).rounded() / 1e6
    }
    let lines = losses.enumerated().map { index, loss in
      loss.isNaN
        ? "{\"step\":\(index + 1),\"loss\":\"NaN\",\"tokens\":\(10 * index),\"seconds\":\(index)}\n"
        : "{\"step\":\(index + 1),\"loss\":\(loss),\"tokens\":\(10 * index),\"seconds\":\(index)}\n"
    }
    try files.append(lines.joined(), to: "run")
    var follower = MetricsFollower(path: files.path + "/run/metrics.jsonl")
    try follower.advance()
    return (follower.metrics.steps, losses)
  }

  @Test(arguments: [1, 2, 63, 64, 65, 1000, 1023])
  func eachBucketKeepsItsLowestAndHighestValue(_ count: Int) throws {
    var generator = SeededGenerator(seed: UInt64(count))
    let (table, losses) = try table(count, using: &generator)
    let bucket = CurveSection.bucket(for: count, limit: 64)
    let section = CurveSection(of: table, rows: 0..<count, bucket: bucket, clock: table)
    let curve = try #require(section.curves.first { $0.name == "loss" })
    #expect(section.steps.count <= 64 && section.steps.count > 32 || count <= 64)
    for (index, start) in stride(from: 0, to: count, by: bucket).enumerated() {
      let end = min(start + bucket, count)
      let values = losses[start..<end].filter { !$0.isNaN }
      #expect(section.steps[index] == end)
      #expect(section.tokens[index] == Double(10 * (end - 1)))
      #expect(section.seconds[index] == Double(end - 1))
      guard let low = values.min(), let high = values.max() else {
        #expect(curve.low[index].isNaN && curve.mean[index].isNaN)
        continue
      }
      #expect(curve.low[index] == low && curve.high[index] == high)
      #expect(abs(curve.mean[index] - values.reduce(0, +) / Double(values.count)) < 1e-12)
    }
    #expect(curve.last == losses.last(where: \.isFinite) ?? .nan || losses.allSatisfy(\.isNaN))
    // The highest of all is never lost.
    #expect(curve.high.filter(\.isFinite).max() == losses.filter(\.isFinite).max())
  }

  @Test func aPartHasTheBucketsOfTheWhole() throws {
    var generator = SeededGenerator(seed: 5)
    let (table, _) = try table(500, using: &generator)
    let whole = CurveSection(of: table, rows: 0..<500, bucket: 8, clock: table)
    let part = CurveSection(of: table, rows: 243..<500, bucket: 8, clock: table)
    #expect(part.firstRow == 240)
    #expect(part.steps == Array(whole.steps[30...]))
    #expect(part.curves[0].mean.last == whole.curves[0].mean.last)
    #expect(part.curves[0].high[...3] == whole.curves[0].high[30...33])
  }

  @Test func theJSONIsReadByAnyProgram() throws {
    var generator = SeededGenerator(seed: 6)
    let (table, losses) = try table(100, using: &generator)
    let section = CurveSection(of: table, rows: 0..<100, bucket: 1, clock: table)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(section.json.utf8)) as? [String: Any])
    let last = try #require((object["last"] as? [String: Double])?["loss"])
    #expect(abs(last - (losses.last(where: \.isFinite) ?? 0)) <= 1e-6 * abs(last))
    let curves = try #require(object["curves"] as? [String: [String: [Any]]])
    let read = try #require(curves["loss"]?["mean"])
    for (loss, value) in zip(losses, read) {
      if loss.isNaN {
        #expect(value is NSNull)
      } else {
        #expect(abs((value as? Double ?? .nan) - loss) <= 1e-6 * abs(loss))
      }
    }
    #expect(object["steps"] as? [Int] == Array(1...100))
  }
}
