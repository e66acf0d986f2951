import LockstepReporting
import Testing

/// How far long work has come, as people read it.
@Suite struct ProgressTextTests {
  @Test func bytesHaveASpeedAndATimeThatIsLeft() {
    let text = ProgressText("encoding", unit: .bytes)
    #expect(
      text.line(done: 12_300_000, of: 27_000_000, seconds: 1.5)
        == "encoding  45 %  12.3 of 27.0 MB  8.2 MB/s  1.8 s left")
    #expect(text.line(done: 0, of: 27_000_000, seconds: 0) == "encoding  0 %  0.0 of 27.0 MB")
    #expect(
      text.line(done: 27_000_000, of: 27_000_000, seconds: 3)
        == "encoding  100 %  27.0 of 27.0 MB  9.0 MB/s")
  }

  @Test func ofASmallFileThousandsAreCounted() {
    let text = ProgressText("translating", unit: .bytes)
    #expect(
      text.line(done: 5_000, of: 20_000, seconds: 30)
        == "translating  25 %  5.0 of 20.0 kB  1m 30s left")
  }

  @Test func ofAPipeNobodyKnowsTheRest() {
    let text = ProgressText("predicting", unit: .bytes)
    #expect(text.line(done: 2_000_000, of: nil, seconds: 2) == "predicting  2.0 MB  1.0 MB/s")
  }

  @Test func batchesAreCounted() {
    let text = ProgressText("evaluating", unit: .things("batches"))
    #expect(
      text.line(done: 500, of: 2000, seconds: 20)
        == "evaluating  25 %  500 of 2,000 batches  1m 00s left")
  }
}
