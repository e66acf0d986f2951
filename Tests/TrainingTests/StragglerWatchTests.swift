import LockstepTraining
import Testing

/// A rank that is slow for long is told, and what is slow for a while is not.
@Suite struct StragglerWatchTests {
  /// A window in which each rank had these seconds for ten micro-batches.
  private func window(_ seconds: Double...) -> [StragglerWatch.Work] {
    seconds.map { StragglerWatch.Work(seconds: $0, microbatches: 10) }
  }

  @Test func aRankThatIsSlowForTwoWindowsIsToldOnce() {
    var watch = StragglerWatch()
    #expect(watch.record(window(20, 21, 29, 20)).isEmpty)
    let told = watch.record(window(20, 21, 29, 20))
    #expect(told.map(\.rank) == [2] && told.map(\.pace) == [2.9] && told.map(\.median) == [2])
    let notice = told[0].notice(host: "n3")
    #expect(notice.hasPrefix("rank 2 on n3 takes 2900 ms for a micro-batch, 45 % longer"))
    #expect(watch.record(window(20, 21, 29, 20)).isEmpty)
    // It recovers, and falls back again.
    #expect(watch.record(window(20, 21, 20, 20)).isEmpty)
    #expect(watch.record(window(20, 21, 29, 20)).isEmpty)
    #expect(watch.record(window(20, 21, 29, 20)).map(\.rank) == [2])
  }

  @Test func oneSlowWindowAndSmallDifferencesAreNotTold() {
    var watch = StragglerWatch()
    for _ in 0..<4 {
      #expect(watch.record(window(20, 26)).isEmpty)
      #expect(watch.record(window(20, 40)).isEmpty)
    }
  }

  @Test func ofTwoRanksTheSlowerOneIsTold() {
    var watch = StragglerWatch()
    #expect(watch.record(window(30, 20)).isEmpty)
    #expect(watch.record(window(30, 20)).map(\.rank) == [0])
  }

  /// A rank with twice the micro-batches takes twice the time, and is not slow.
  @Test func whatARankHasToDoIsAllowedFor() {
    var watch = StragglerWatch()
    let uneven = [
      StragglerWatch.Work(seconds: 40, microbatches: 20),
      StragglerWatch.Work(seconds: 20, microbatches: 10),
    ]
    for _ in 0..<3 { #expect(watch.record(uneven).isEmpty) }
  }

  @Test(arguments: [[20, 0], [0, 20, 0], [0, 0]]) func ranksWithoutWorkAreNotCompared(
    seconds: [Double]
  ) {
    var watch = StragglerWatch()
    for _ in 0..<3 {
      let work = seconds.map { StragglerWatch.Work(seconds: $0, microbatches: $0 / 2) }
      #expect(watch.record(work).isEmpty)
    }
  }

  /// Idle ranks would make 0 the median.
  @Test func aSlowRankBesideRanksWithoutWorkIsTold() {
    var watch = StragglerWatch()
    let idle = StragglerWatch.Work()
    let work = [idle] + window(20, 30) + [idle, idle]
    #expect(watch.record(work).isEmpty)
    let told = watch.record(work)
    #expect(told.map(\.rank) == [2] && told.map(\.median) == [2])
  }

  @Test func shortWindowsShowNothing() {
    var watch = StragglerWatch()
    for _ in 0..<3 { #expect(watch.record(window(0.1, 0.4)).isEmpty) }
    var alone = StragglerWatch()
    for _ in 0..<3 { #expect(alone.record(window(20)).isEmpty) }
  }
}
