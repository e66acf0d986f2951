import Foundation
import LockstepReporting

/// How far long work has come: one live line on standard error where that is a terminal, and nothing
/// elsewhere.
struct LiveProgress {
  private let isShown: Bool
  private let output = DescriptorOutput(descriptor: STDERR_FILENO)
  private var text: ProgressText?
  private var begin = ContinuousClock.now
  private var shownAt: ContinuousClock.Instant?
  /// Ten times a second is as smooth as it gets.
  private static let pause = Duration.milliseconds(100)

  /// - Parameters:
  ///   - isWanted: Whether the user has not asked for quiet.
  ///   - sharesTerminal: Whether results go to standard output meanwhile: then nothing is shown where that
  ///     is a terminal, too. Default: false.
  init(isWanted: Bool, sharesTerminal: Bool = false) {
    isShown =
      isWanted && isatty(STDERR_FILENO) == 1 && !(sharesTerminal && isatty(STDOUT_FILENO) == 1)
  }

  /// Shows how far the work has come, now and then.
  ///
  /// - Parameters:
  ///   - label: Of this part of the work; another one begins another part.
  ///   - total: How many there are; nil where nobody knows.
  mutating func show(_ label: String, done: Int, of total: Int?, unit: ProgressText.Unit) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if text?.label != label {
      text = ProgressText(label, unit: unit)
      begin = now
      shownAt = nil
    }
    if let shownAt, now - shownAt < Self.pause { return }
    shownAt = now
    guard let text else { return }
    let line = text.line(done: done, of: total, seconds: (now - begin) / .seconds(1))
    output.write("\r\u{1B}[K" + String(line.prefix((output.columns ?? 80) - 1)))
  }

  /// Clears the line, before anything else is said.
  mutating func clear() {
    guard isShown, shownAt != nil else { return }
    output.write("\r\u{1B}[K")
    shownAt = nil
  }
}
