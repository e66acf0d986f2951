import LockstepParallelism
import Synchronization
import Testing

@Suite struct JointTasksTests {
  @Test(arguments: [1, 2, 3, 7])
  func everyTaskOfEveryKindRunsExactlyOnce(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    for kinds in [[], [0], [5], [2, 2, 2], [3, 0, 1], [1, 64, 7], [threadCount, 1]] {
      let runs = Mutex(kinds.map { [Int](repeating: 0, count: $0) })
      var tasks = JointTasks(on: pool)
      for (kind, count) in kinds.enumerated() {
        tasks.add(count) { index in runs.withLock { $0[kind][index] += 1 } }
      }
      tasks.run()
      #expect(runs.withLock { $0 } == kinds.map { [Int](repeating: 1, count: $0) })
    }
  }

  @Test(arguments: [(0, 4), (15, 4), (100, 16), (1000, 100), (1000, 1), (33, 100)])
  func rangesAreThoseOfThePool(count: Int, grain: Int) {
    let pool = ThreadPool(threadCount: 3)
    let joint = Mutex<Set<Range<Int>>>([])
    let alone = Mutex<Set<Range<Int>>>([])
    var tasks = JointTasks(on: pool)
    tasks.add(over: count, grain: grain) { range in _ = joint.withLock { $0.insert(range) } }
    tasks.run()
    pool.run(over: count, grain: grain) { range in _ = alone.withLock { $0.insert(range) } }
    #expect(joint.withLock { $0 } == alone.withLock { $0 })
    #expect(alone.withLock { $0.reduce(0) { $0 + $1.count } } == count)
  }

  /// While one thread is in a long task of the first kind, another does what is left of both kinds.
  @Test func whoIsDoneTakesOver() {
    let pool = ThreadPool(threadCount: 2)
    let done = Atomic<Int>(0)
    var tasks = JointTasks(on: pool)
    tasks.add(2) { index in
      if index == 0 {
        while done.load(ordering: .acquiring) < 3 {}
      } else {
        done.add(1, ordering: .releasing)
      }
    }
    tasks.add(2) { _ in done.add(1, ordering: .releasing) }
    tasks.run()
    #expect(done.load(ordering: .relaxed) == 3)
  }
}
