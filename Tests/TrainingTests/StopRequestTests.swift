import Dispatch
import Foundation
import LockstepTraining
import Testing

/// Listening to signals begins when the listener is made.
@Suite(.serialized) struct StopRequestTests {
  /// The signals are such as harm nobody else.
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

  @Test func eachListenerHearsItsSignalAndLeavesTheProcessAsItWas() {
    let former = handler(of: SIGWINCH)
    signal(SIGWINCH) { _ in }
    defer { signal(SIGWINCH, SIG_DFL) }
    let own = handler(of: SIGWINCH)
    #expect(own != former)
    for _ in 1...3 {
      let hasCome = DispatchSemaphore(value: 0)
      let listener = SignalListener(signals: [SIGWINCH]) { _ in hasCome.signal() }
      #expect(handler(of: SIGWINCH) != own)
      for _ in 1...2 {
        kill(getpid(), SIGWINCH)
        #expect(hasCome.wait(timeout: .now() + 10) == .success)
      }
      withExtendedLifetime(listener) {}
    }
    #expect(handler(of: SIGWINCH) == own)
  }

  @Test func ofTwoListenersTheLaterOneHearsWhileItIsThere() {
    let (first, second) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let outer = SignalListener(signals: [SIGWINCH]) { _ in first.signal() }
    var inner: SignalListener? = SignalListener(signals: [SIGWINCH]) { _ in second.signal() }
    kill(getpid(), SIGWINCH)
    #expect(second.wait(timeout: .now() + 10) == .success)
    withExtendedLifetime(inner) {}
    inner = nil
    kill(getpid(), SIGWINCH)
    #expect(first.wait(timeout: .now() + 10) == .success)
    #expect(first.wait(timeout: .now()) == .timedOut)
    withExtendedLifetime(outer) {}
  }

  private func isIgnored(_ signal: Int32) -> Bool {
    handler(of: signal) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private func handler(of signal: Int32) -> Int {
    var action = sigaction()
    #expect(sigaction(signal, nil, &action) == 0)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
  }
}
