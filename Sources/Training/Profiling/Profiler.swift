import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepParallelism

/// Records the timeline of some steps on every rank, and writes that of all ranks into one file.
final class Profiler {
  private let steps: ProfiledSteps
  private let path: String
  private let communicator: any Communicator
  private let threads: ThreadPool

  init(
    _ steps: ProfiledSteps, path: String, communicator: any Communicator, threads: ThreadPool
  ) {
    (self.steps, self.path) = (steps, path)
    (self.communicator, self.threads) = (communicator, threads)
  }

  private enum State {
    case waiting
    case recording(Timeline)
    case over
  }

  private var state = State.waiting

  /// Begins before the first of the steps, and writes the file after the last one. Collective.
  ///
  /// - Parameter step: The one that follows.
  /// - Returns: What the user should know: where the file is, or why there is none.
  func advance(toStep step: Int) throws -> String? {
    switch state {
    case .recording where step > steps.range.upperBound: return try finish()
    case .waiting where step > steps.range.upperBound:
      state = .over
      return none("the run goes on with step \(step)")
    case .waiting where step >= steps.range.lowerBound:
      let timeline = Timeline()
      state = .recording(timeline)
      threads.timeline = timeline
      communicator.timeline = timeline
      return nil
    case .waiting, .recording, .over: return nil
    }
  }

  /// Writes the file where the run ends with one of the steps. Collective.
  ///
  /// - Returns: As `advance`.
  func end(step: Int) throws -> String? {
    if case .waiting = state {
      state = .over
      return none("the run ended after step \(step)")
    }
    return try finish()
  }

  private func finish() throws -> String? {
    guard case .recording(let timeline) = state else { return nil }
    state = .over
    threads.timeline = nil
    communicator.timeline = nil
    try write(timeline.takeSpans())
    return "the timeline of \(steps) is in \(path): open it at https://ui.perfetto.dev or "
      + "chrome://tracing"
  }

  private func none(_ reason: String) -> String {
    "no timeline was written, because --profile asks for \(steps), and \(reason)"
  }

  private func write(_ spans: [Timeline.Span]) throws {
    let offset = try ClockOffset.ofThisRank(communicator)
    let host = communicator.watch?.hostName(ofRank: communicator.rank)
    let own = Array(
      try TraceEvents(
        spans, rank: communicator.rank, host: host, clockOffset: offset
      ).lines.joined(separator: ",\n").utf8)
    let counts = try communicator.allGather([Double(own.count)]).map { Int($0[0]) }
    guard communicator.isRankZero else {
      try own.withUnsafeBytes { try communicator.send($0, to: 0) }
      return try communicator.onRankZero {}
    }
    var text = Array("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n".utf8) + own
    for rank in 1..<communicator.size {
      var theirs = [UInt8](repeating: 0, count: counts[rank])
      try theirs.withUnsafeMutableBytes { try communicator.receive(into: $0, from: rank) }
      text += Array(",\n".utf8) + theirs
    }
    text += Array("\n]}\n".utf8)
    let (content, path) = (text, path)
    try communicator.onRankZero { try AtomicFile.write(content, to: path) }
  }
}

/// A rank's spans in the trace event format, which Perfetto and chrome://tracing open: a line each.
///
/// A rank is a process there, and its lanes are threads.
struct TraceEvents {
  let lines: [String]

  /// Names a rank or a lane.
  private struct Naming: Encodable {
    struct Arguments: Encodable { let name: String }
    var ph = "M"
    let name: String
    let pid: Int
    let tid: Int
    let args: Arguments
  }

  /// A span; times in microseconds.
  private struct Complete: Encodable {
    var ph = "X"
    let name: String
    let pid: Int
    let tid: Int
    let ts: Double
    let dur: Double
    let args: [String: Int]
  }

  /// - Parameters:
  ///   - host: Nil: it is not known.
  ///   - clockOffset: Added to the times, in nanoseconds.
  init(_ spans: [Timeline.Span], rank: Int, host: String?, clockOffset: Int) throws {
    let encoder = JSONFormat.encoder()
    func line(_ event: some Encodable) throws -> String {
      String(decoding: try encoder.encode(event), as: UTF8.self)
    }
    let name = "rank \(rank)" + (host.map { " on \($0)" } ?? "")
    let lanes = Set(spans.map(\.lane)).sorted { $0.number < $1.number }
    let names =
      [Naming(name: "process_name", pid: rank, tid: 0, args: .init(name: name))]
      + lanes.map {
        Naming(name: "thread_name", pid: rank, tid: $0.number, args: .init(name: $0.name))
      }
    lines =
      try names.map(line)
      + spans.map { span in
        try line(
          Complete(
            name: span.name, pid: rank, tid: span.lane.number,
            ts: Double(span.begin + clockOffset) / 1000, dur: Double(span.end - span.begin) / 1000,
            args: Dictionary(span.details.map { ($0.name, $0.number) }) { $1 }))
      }
  }
}

extension Timeline.Lane {
  fileprivate var number: Int {
    switch self {
    case .rank: 0
    case .communication: 1
    case .worker(let worker): 1 + worker
    }
  }

  fileprivate var name: String {
    switch self {
    case .rank: "rank"
    case .communication: "communication"
    case .worker(let worker): "thread \(worker)"
    }
  }
}
