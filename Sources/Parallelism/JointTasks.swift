/// Tasks of several kinds that do not depend on each other, for one call of a pool: a thread that is done with
/// its part of one kind goes on with the next, and waits for the others only once.
public struct JointTasks {
  private let pool: ThreadPool
  private var kinds: [(count: Int, body: (Int) -> Void)] = []

  /// - Parameter pool: Whose threads run the tasks.
  public init(on pool: ThreadPool) {
    self.pool = pool
  }

  /// Adds `body(index)` for every index in 0 ..< count. A task must write only what no other one of any kind
  /// reads or writes.
  public mutating func add(_ count: Int, _ body: @escaping (_ index: Int) -> Void) {
    if count > 0 { kinds.append((count, body)) }
  }

  /// Adds `body` for 0 ..< count in contiguous ranges, cut as in `ThreadPool.run(over:grain:_:)`.
  public mutating func add(over count: Int, grain: Int, _ body: @escaping (Range<Int>) -> Void) {
    let pieces = pool.pieces(of: count, grain: grain)
    add(pieces.count) { body(pieces[$0]) }
  }

  /// Runs all tasks and returns when they are done. Each thread begins with the tasks that it would begin with
  /// in calls of their own, in the order in which their kinds were added.
  public func run() {
    guard kinds.count > 1 else {
      for kind in kinds { pool.run(tasks: kind.count, kind.body) }
      return
    }
    let threads = pool.threadCount
    var order: [(kind: Int, index: Int)] = []
    order.reserveCapacity(kinds.reduce(0) { $0 + $1.count })
    for thread in 0..<threads {
      for (kind, tasks) in kinds.enumerated() {
        let (first, end) = (
          ThreadPool.firstTask(of: thread, tasks: tasks.count, threadCount: threads),
          ThreadPool.firstTask(of: thread + 1, tasks: tasks.count, threadCount: threads)
        )
        for index in first..<end { order.append((kind, index)) }
      }
    }
    pool.run(tasks: order.count) { task in
      let (kind, index) = order[task]
      kinds[kind].body(index)
    }
  }
}
