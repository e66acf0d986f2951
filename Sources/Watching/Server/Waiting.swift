import Dispatch
import Synchronization

/// Lets a command, which is not asynchronous, wait for what is.
package enum Waiting {
  private final class Box<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
  }

  /// Runs a task to its end. Call it on a thread that no task needs, as a program's first is.
  package static func forResult<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) throws -> Value {
    let box = Box<Value>()
    let ended = DispatchSemaphore(value: 0)
    Task {
      let result: Result<Value, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      box.result.withLock { $0 = result }
      ended.signal()
    }
    ended.wait()
    guard let result = box.result.withLock({ $0 }) else { preconditionFailure("no result") }
    return try result.get()
  }
}
