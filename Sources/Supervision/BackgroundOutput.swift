import Foundation
import LockstepReporting
import Synchronization

/// Text output that nobody waits for: a thread of its own writes it, however long that takes.
package final class BackgroundOutput: Sendable {
  /// Used by `queue` alone.
  private struct Output: @unchecked Sendable {
    let output: any TextOutput
  }

  private let output: Output
  private let queue = DispatchQueue(label: "lockstep.output")
  /// Bytes that are not written yet.
  private let waiting = Atomic(0)
  private static let limit = 1 << 20

  package init(_ output: any TextOutput) {
    self.output = Output(output: output)
  }

  /// Whether so much waits to be written that no more should be given.
  package var isFull: Bool { waiting.load(ordering: .relaxed) > Self.limit }

  package func write(_ text: String) {
    let count = text.utf8.count
    waiting.add(count, ordering: .relaxed)
    queue.async { [self] in
      output.output.write(text)
      waiting.subtract(count, ordering: .relaxed)
    }
  }

  /// Waits until all is written, or the output is gone.
  package func finish() { queue.sync {} }
}
