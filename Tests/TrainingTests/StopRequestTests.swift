import Dispatch
import Foundation
import LockstepTraining
import Testing

/// Listening to signals begins when the listener is made.
@Suite struct StopRequestTests {
  /// The signals are such as harm nobody else. A process listens to each once: see `SignalListener`.
  @Test func aListenerLosesNoSignalAndWhatIsStartedMeanwhileIgnoresNone() throws {
    let hasCome = DispatchSemaphore(value: 0)
    // Behind some that nobody uses, so that its turn comes last.
    let others = (45..<60).map(Int32.init)
    let listener = SignalListener(signals: others + [SIGWINCH]) { _ in hasCome.signal() }
    #expect(!isIgnored(SIGWINCH))
    kill(getpid(), SIGWINCH)
    #expect(hasCome.wait(timeout: .now() + 10) == .success)

    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["grep", "SigIgn:", "/proc/self/status"]
    process.standardOutput = output
    try process.run()
    let line = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let mask = try #require(
      line.split(whereSeparator: \.isWhitespace).last.flatMap { UInt64($0, radix: 16) })
    #expect(mask & (1 << UInt64(SIGWINCH - 1)) == 0, "\(line)")
    withExtendedLifetime(listener) {}
  }

  private func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    #expect(sigaction(signal, nil, &action) == 0)
    let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    return handler == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
