import LockstepParallelism
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 7])
  func everyTaskRunsExactlyOnce(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    for tasks in [0, 1, 2, 5, 64, 1000] {
      let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: tasks)
      defer { counts.deallocate() }
      counts.initialize(repeating: 0)
      pool.run(tasks: tasks) { counts[$0] += 1 }
      #expect(counts.allSatisfy { $0 == 1 })
    }
  }

  @Test(arguments: [1, 2]) func anyNumberOfTasksRuns(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    let tasks = 2 * ThreadPool.largestShare + 3
    let counts = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: tasks)
    defer { counts.deallocate() }
    counts.initialize(repeating: 0)
    pool.run(tasks: tasks) { counts[$0] += 1 }
    #expect(counts.allSatisfy { $0 == 1 })
  }

  @Test func manyShortCallsNeitherLoseNorRepeatATask() {
    let pool = ThreadPool(threadCount: 3)
    let total = Atomic<Int>(0)
    for call in 0..<20_000 {
      pool.run(tasks: call % 5) { total.add($0 + 1, ordering: .relaxed) }
    }
    #expect(total.load(ordering: .relaxed) == 4_000 * (0 + 1 + 3 + 6 + 10))
  }

  @Test func workersHaveNamesWithinTheThreadCount() {
    let pool = ThreadPool(threadCount: 2)
    let outside = Atomic<Int>(0)
    pool.run(tasks: 500) { _, worker in
      if !(0..<2).contains(worker) { outside.add(1, ordering: .relaxed) }
    }
    #expect(outside.load(ordering: .relaxed) == 0)
  }

  @Test func aPoolAndItsThreadsEndWithTheLastReference() {
    weak var ended: ThreadPool?
    do {
      let pool = ThreadPool(threadCount: 4)
      pool.run(tasks: 100) { _ in }
      ended = pool
    }
    #expect(ended == nil)
  }

  /// The first task waits for the others, of which one is in the same part.
  @Test(.timeLimit(.minutes(1))) func idleThreadsTakeOverTasksOfBusyOnes() {
    let pool = ThreadPool(threadCount: 2)
    let others = Atomic<Int>(0)
    pool.run(tasks: 4) { task in
      guard task == 0 else {
        others.add(1, ordering: .relaxed)
        return
      }
      while others.load(ordering: .relaxed) < 3 { sched_yield() }
    }
    #expect(others.load(ordering: .relaxed) == 3)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1000, 4097])
  func rangesCoverTheCountWithoutOverlap(count: Int) {
    let pool = ThreadPool(threadCount: 4)
    let marks = UnsafeMutableBufferPointer<Int>.allocate(capacity: count)
    defer { marks.deallocate() }
    marks.initialize(repeating: 0)
    pool.run(over: count, grain: 64) { range in
      for index in range { marks[index] += 1 }
    }
    #expect(marks.allSatisfy { $0 == 1 })
  }
}
