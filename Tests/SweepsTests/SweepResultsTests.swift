import LockstepSweeps
import Testing

@Suite struct SweepResultsTests {
  @Test func ofContendersThatFailedNoneIsTheBest() throws {
    let plan = try SweepPlan(
      SweepConfiguration.parse(
        yaml: """
          base: run.yaml
          method: halving
          trials: 3
          min_steps: 1
          parameters: {seed: {low: 1, high: 1000, integer: true}}
          """, source: "sweep.yaml"),
      base: "steps: 9", overrides: [], ranks: 1)
    func record(_ trial: Int, _ state: String, loss: Double) -> String {
      """
      {"trial": \(trial), "state": "\(state)", "reason": "of \(trial)", "seconds": 0,
       "measurements": [{"steps": 1, "values": {"validation_loss": \(loss)}}]}
      """
    }
    // The first was the best of its rung, and went on alone.
    let records = try RunRecord.decode(
      "[\(record(1, "failed", loss: 1)), \(record(2, "paused", loss: 3)), \(record(3, "paused", loss: 2))]"
        .utf8)
    let results = SweepResults(plan, records: records)
    #expect(results.contenders(rung: 1) == [1])
    #expect((1...3).map(results.state) == [.failed, .pruned, .pruned])
    #expect(results.ranking == [3, 2])
    #expect(SweepReport(results, state: .finished).best == nil)
    #expect(SweepReport(results, state: .stopped).best == 3)
  }
}
