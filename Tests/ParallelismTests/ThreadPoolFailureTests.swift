import Foundation
import LockstepParallelism
import Synchronization
import Testing

@Suite struct ThreadPoolFailureTests {
  private struct Failure: Error, Equatable {
    let task: Int
  }

  @Test(arguments: [1, 2, 3, 7])
  func theFirstTaskThatFailsIsTheOneThatIsTold(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    for _ in 0..<200 {
      #expect(throws: Failure(task: 37)) {
        try pool.attempt(tasks: 100) { (task, _) throws(Failure) in
          if task >= 37 && task % 3 == 1 { throw Failure(task: task) }
        }
      }
    }
  }

  @Test(arguments: [1, 3]) func allTasksBeforeAFailureRun(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    let sum = Atomic<Int>(0)
    #expect(throws: Failure.self) {
      try pool.attempt(tasks: 50) { (task, _) throws(Failure) in
        if task < 40 { sum.add(task, ordering: .relaxed) } else { throw Failure(task: task) }
      }
    }
    #expect(sum.load(ordering: .relaxed) == 780)
  }

  @Test func withoutAFailureEveryTaskRuns() {
    let pool = ThreadPool(threadCount: 2)
    let count = Atomic<Int>(0)
    pool.attempt(tasks: 1000) { _, _ in count.add(1, ordering: .relaxed) }
    #expect(count.load(ordering: .relaxed) == 1000)
  }

  @Test func aThreadThatCanNotBeStartedEndsTheProcessWithWhatToChange() async throws {
    let result = try await #require(
      processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
    ) {
      // No address space has room for such a stack. Swift's Glibc module lacks the function.
      typealias SetDefault = @convention(c) (UnsafePointer<pthread_attr_t>) -> Int32
      let function = try #require(dlsym(nil, "pthread_setattr_default_np"))
      var attributes = pthread_attr_t()
      pthread_attr_init(&attributes)
      pthread_attr_setstacksize(&attributes, 1 << 50)
      #expect(unsafeBitCast(function, to: SetDefault.self)(&attributes) == 0)
      _ = ThreadPool(threadCount: 2)
    }
    let message = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(message.contains("lockstep: cannot start a thread: "), "\(message)")
    #expect(message.contains("--pids-limit"))
  }
}
