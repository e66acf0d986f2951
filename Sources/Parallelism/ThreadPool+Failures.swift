import Synchronization

extension ThreadPool {
  /// Runs `body(task, worker)` for every task, where tasks may fail.
  ///
  /// Tasks after one that has failed are left out, those before it are not: the failure that is thrown is
  /// that of the first task to fail, whichever thread comes to it when.
  ///
  /// - Throws: What that task throws, when all that were begun have ended.
  public func attempt<Failure: Error>(
    tasks: Int, _ body: (_ task: Int, _ worker: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let outcome = Mutex<(task: Int, failure: Failure?)>((tasks, nil))
    run(tasks: tasks) { task, worker in
      guard outcome.withLock({ task < $0.task }) else { return }
      do throws(Failure) {
        try body(task, worker)
      } catch {
        outcome.withLock { if task < $0.task { $0 = (task, error) } }
      }
    }
    if let failure = outcome.withLock({ $0.failure }) { throw failure }
  }
}
