import Foundation
import LockstepParallelism
import Synchronization
import Testing

/// What threads do is recorded where someone asks for it, and nowhere else.
@Suite struct TimelineTests {
  /// Two tasks that wait for one another: each thread has one.
  private func work(on pool: ThreadPool) {
    let begun = Atomic(0)
    pool.run(tasks: 2) { _ in
      begun.add(1, ordering: .sequentiallyConsistent)
      while begun.load(ordering: .sequentiallyConsistent) < 2 { sched_yield() }
    }
  }

  @Test func aWorkerRecordsWhenItWorks() throws {
    let pool = ThreadPool(threadCount: 2)
    let timeline = Timeline()
    pool.timeline = timeline
    let begin = Timeline.now
    work(on: pool)
    // The worker records a moment after its task is done.
    var spans: [Timeline.Span] = []
    for _ in 0..<50_000_000 where spans.isEmpty {
      spans = timeline.takeSpans()
      if spans.isEmpty { sched_yield() }
    }
    let span = try #require(spans.first)
    #expect(spans.count == 1 && span.name == "work" && span.lane == .worker(1))
    #expect(begin <= span.begin && span.begin <= span.end && span.end <= Timeline.now)
  }

  @Test func aPoolWithoutTimelineRecordsNothing() {
    let pool = ThreadPool(threadCount: 2)
    let timeline = Timeline()
    work(on: pool)
    #expect(timeline.takeSpans().isEmpty && pool.timeline == nil)
  }

  @Test func spansOfTheCallerAreInItsLane() {
    let timeline = Timeline()
    let result = Optional(timeline).record("outer") {
      timeline.record("inner", since: Timeline.now, [.init("bytes", 7)])
      return 3
    }
    let spans = timeline.takeSpans()
    #expect(result == 3 && spans.map(\.name) == ["inner", "outer"])
    #expect(spans.allSatisfy { $0.lane == .rank } && spans[0].details == [.init("bytes", 7)])
    #expect(spans[1].begin <= spans[0].begin && spans[0].end <= spans[1].end)
    #expect(timeline.takeSpans().isEmpty)
  }

  @Test func anotherThreadHasALaneOfItsOwn() {
    let timeline = Timeline()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      timeline.record("message", since: Timeline.now)
      done.signal()
    }
    thread.start()
    done.wait()
    #expect(timeline.takeSpans().map(\.lane) == [.communication])
  }
}
