import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The threads of one rank: a fixed number of workers that share out the tasks of one call.
///
/// Each thread begins with a contiguous part of the tasks, the same one whenever their number is the
/// same, so that what it wrote in one call is still in its caches in the next. A thread that is done takes
/// tasks that others have not begun: which thread runs a task is left to chance. A task must write only what
/// no other task of the same call reads or writes; results then do not depend on the number of threads.
///
/// A pool of one thread starts none and runs every task on the caller. One thread at a time may
/// call `run`, and tasks must not call it again.
public final class ThreadPool: @unchecked Sendable {
  /// How many threads share the tasks, the caller included.
  public let threadCount: Int

  /// The largest number of tasks that are shared out at a time: what fits the counters of a ticket.
  package static let largestShare = 1 << 20 - 1

  private let crew: Crew

  /// Where the workers record when they work, and the rank what it does; nil but for steps that are profiled.
  /// Set between calls of `run`.
  public var timeline: Timeline? {
    get { crew.timeline }
    set { crew.timeline = newValue }
  }

  /// Starts `threadCount - 1` workers. Where the system refuses one, the process ends with a message and exit
  /// code 1.
  ///
  /// - Parameter threadCount: At least 1. Default: 1.
  public init(threadCount: Int = 1) {
    precondition(threadCount >= 1, "a thread pool needs at least 1 thread, not \(threadCount)")
    self.threadCount = threadCount
    crew = Crew(threadCount: threadCount)
    for worker in 1..<max(threadCount, 1) {
      crew.start(worker: worker)
    }
  }

  deinit { crew.end() }

  /// Runs `body(task)` for every task in 0 ..< tasks and returns when all are done.
  public func run(tasks: Int, _ body: (Int) -> Void) {
    run(tasks: tasks) { task, _ in body(task) }
  }

  /// Runs `body(task, worker)` for every task; `worker` in 0 ..< threadCount names the thread, for
  /// scratch memory of its own.
  public func run(tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    if threadCount == 1 || tasks <= 1 {
      for task in 0..<tasks { body(task, 0) }
    } else if tasks <= Self.largestShare {
      crew.run(tasks: tasks, body)
    } else {
      for start in stride(from: 0, to: tasks, by: Self.largestShare) {
        crew.run(tasks: min(Self.largestShare, tasks - start)) { task, worker in
          body(start + task, worker)
        }
      }
    }
  }

  /// The task that each thread begins with, of so many: where a long one is best put.
  package func firstTasks(of count: Int) -> [Int] {
    (0..<threadCount).map { Self.firstTask(of: $0, tasks: count, threadCount: threadCount) }
  }

  /// The task that a thread begins with.
  static func firstTask(of worker: Int, tasks: Int, threadCount: Int) -> Int {
    (tasks * worker + threadCount - 1) / threadCount
  }

  /// Splits 0 ..< count into contiguous ranges, at most one a thread, of at least `grain`
  /// elements but for the last, and runs `body` on each. For elementwise work, whose results do
  /// not depend on where the cuts are.
  public func run(over count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let pieces = pieces(of: count, grain: grain)
    run(tasks: pieces.count) { body(pieces[$0]) }
  }

  /// The ranges of `run(over:grain:_:)`.
  func pieces(of count: Int, grain: Int) -> [Range<Int>] {
    let most = max(1, min(threadCount, count / max(grain, 1)))
    let width = max(16, ((count + most - 1) / most + 15) / 16 * 16)
    return stride(from: 0, to: count, by: width).map { $0..<min(count, $0 + width) }
  }
}

/// The workers of a pool, and what they share with their caller.
///
/// An object of its own: workers hold it as long as they live, and so can not keep the pool, whose
/// end is theirs, alive.
private final class Crew: @unchecked Sendable {
  private let threadCount: Int
  /// What is left of each thread's part: generation (24 bits), end (20 bits), next task (20 bits). Who
  /// claims a task by compare-and-exchange knows that it belongs to the call in progress.
  private let tickets: UnsafeMutablePointer<Atomic<UInt64>>
  /// Each ticket has a cache line of its own.
  private static let ticketStride = 8
  private let remaining = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let isEnding = Atomic<Bool>(false)
  private let parking = ParkingLot()
  private var body: ((Int, Int) -> Void)?
  var timeline: Timeline?
  private var threads: [pthread_t] = []

  init(threadCount: Int) {
    self.threadCount = threadCount
    tickets = .allocate(capacity: threadCount * Self.ticketStride)
    for worker in 0..<threadCount { ticketPointer(of: worker).initialize(to: Atomic(0)) }
  }

  /// Runs `body(task, worker)` for every task and returns when all are done.
  func run(tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      self.body = body
      remaining.store(tasks, ordering: .relaxed)
      let generation = (ticketPointer(of: 0).pointee.load(ordering: .relaxed) >> 40 + 1) & 0xFF_FFFF
      func firstTask(of worker: Int) -> UInt64 {
        UInt64(ThreadPool.firstTask(of: worker, tasks: tasks, threadCount: threadCount))
      }
      for worker in 0..<threadCount {
        ticketPointer(of: worker).pointee.store(
          generation << 40 | firstTask(of: worker + 1) << 20 | firstTask(of: worker),
          ordering: .sequentiallyConsistent)
      }
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 { parking.wakeAll() }
      work(as: 0)
      var spins = 0
      while remaining.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins > Self.spinsBeforeYield { sched_yield() }
      }
      self.body = nil
    }
  }

  private func ticketPointer(of worker: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    tickets + worker * Self.ticketStride
  }

  /// Claims and runs tasks, first its own, then others', until none is left.
  private func work(as worker: Int) {
    var recording: (timeline: Timeline, begin: Int)?
    for offset in 0..<threadCount {
      let owner = (worker + offset) % threadCount
      while let task = claim(from: owner, isOwner: offset == 0) {
        // The claimed task keeps the caller inside `run`: the body can not change under us.
        // The caller records its own time.
        if worker > 0, recording == nil, let timeline { recording = (timeline, Timeline.now) }
        perform(task, worker)
        remaining.subtract(1, ordering: .releasing)
      }
    }
    guard let recording else { return }
    recording.timeline.record("work", since: recording.begin, on: .worker(worker))
  }

  /// A task of this thread's part: the first that is left for the thread itself, the last for others.
  private func claim(from worker: Int, isOwner: Bool) -> Int? {
    let ticket = ticketPointer(of: worker)
    var current = ticket.pointee.load(ordering: .acquiring)
    while true {
      let (next, end) = (current & 0xF_FFFF, current >> 20 & 0xF_FFFF)
      guard next < end else { return nil }
      let (isMine, now) = ticket.pointee.weakCompareExchange(
        expected: current, desired: isOwner ? current + 1 : current - 1 << 20,
        ordering: .acquiringAndReleasing)
      if isMine { return Int(isOwner ? next : end - 1) }
      current = now
    }
  }

  /// Calls the body. A function of its own, so that whatever reference to the body the call holds is
  /// gone before `remaining` says that the task is done.
  @inline(never)
  private func perform(_ task: Int, _ worker: Int) {
    body?(task, worker)
  }

  /// About 20 µs: longer than the pause between two kernels of a step.
  private static let spinsBeforeYield = 4_000
  private static let yieldsBeforeSleep = 200

  private func loop(worker: Int) {
    var seen: UInt64 = 0
    while true {
      seen = waitForCall(after: seen, as: worker)
      if isEnding.load(ordering: .acquiring) { return }
      work(as: worker)
    }
  }

  /// Spins, then yields, then sleeps until the generation is another than `seen`; returns it.
  private func waitForCall(after seen: UInt64, as worker: Int) -> UInt64 {
    let ticket = ticketPointer(of: worker)
    func isNew() -> Bool {
      ticket.pointee.load(ordering: .sequentiallyConsistent) >> 40 != seen
        || isEnding.load(ordering: .acquiring)
    }
    var spins = 0
    while !isNew() {
      spins += 1
      if spins > Self.spinsBeforeYield { sched_yield() }
      if spins > Self.spinsBeforeYield + Self.yieldsBeforeSleep {
        sleepers.add(1, ordering: .sequentiallyConsistent)
        parking.sleep(while: { !isNew() })
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
      }
    }
    return ticket.pointee.load(ordering: .acquiring) >> 40
  }

  func start(worker: Int) {
    let entry = Unmanaged.passRetained(WorkerEntry(crew: self, worker: worker))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let entry = Unmanaged<WorkerEntry>.fromOpaque(argument).takeRetainedValue()
        entry.crew.loop(worker: entry.worker)
        return nil
      }, entry.toOpaque())
    if code != 0 { ThreadShortage.end(code) }
    threads.append(thread)
  }

  /// Ends the workers and waits for that.
  func end() {
    isEnding.store(true, ordering: .sequentiallyConsistent)
    parking.wakeAll()
    for thread in threads { pthread_join(thread, nil) }
  }

  deinit {
    for worker in 0..<threadCount { ticketPointer(of: worker).deinitialize(count: 1) }
    tickets.deallocate()
  }
}

/// What a new thread is told.
private final class WorkerEntry: @unchecked Sendable {
  let crew: Crew
  let worker: Int

  init(crew: Crew, worker: Int) {
    self.crew = crew
    self.worker = worker
  }
}

/// A mutex and a condition, at fixed addresses.
private final class ParkingLot: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  func sleep(while isIdle: () -> Bool) {
    pthread_mutex_lock(mutex)
    while isIdle() { pthread_cond_wait(condition, mutex) }
    pthread_mutex_unlock(mutex)
  }

  func wakeAll() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }
}
