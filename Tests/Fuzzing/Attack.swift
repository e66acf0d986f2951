import Foundation

/// Starts workers, one reader after the other, and counts how their cases end.
struct Attack {
  /// What one case came to.
  enum Outcome: String, CaseIterable {
    case accepted, refused
    /// An error that does not tell a user what to change.
    case unclear
    /// Something was read that can not be right.
    case silent
    case crash, hang

    var isFinding: Bool { self != .accepted && self != .refused }
  }

  let seed: UInt64
  /// GiB of addresses for a case; 0: any.
  let memory: Int
  let specimens: URL
  let findings: URL
  private var counts: [(subject: String, outcomes: [Outcome: Int])] = []

  init(seed: UInt64, memory: Int, specimens: URL, findings: URL) {
    self.seed = seed
    self.memory = memory
    self.specimens = specimens
    self.findings = findings
  }

  var findingCount: Int {
    counts.reduce(0) { sum, row in
      sum + row.outcomes.reduce(0) { $0 + ($1.key.isFinding ? $1.value : 0) }
    }
  }

  /// Runs cases of a reader. A worker that dies of a case is followed by one that begins behind it.
  mutating func run(_ subject: Subject, _ cases: Range<Int>) throws {
    var next = cases.lowerBound
    while next < cases.upperBound {
      let (lines, process) = try worker(subject, next..<cases.upperBound)
      for line in lines where line.hasPrefix("end ") {
        let words = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard words.count >= 3, let number = Int(words[1]),
          let outcome = Outcome(rawValue: words[2])
        else { continue }
        next = number + 1
        try note(outcome, subject, number, words.count > 3 ? words[3] : "")
      }
      guard process.terminationReason == .uncaughtSignal || process.terminationStatus != 0 else {
        break
      }
      let signal = process.terminationStatus
      try note(
        [SIGALRM, SIGPROF].contains(signal) ? .hang : .crash, subject, next,
        process.terminationReason == .uncaughtSignal ? "signal \(signal)" : "status \(signal)")
      next += 1
    }
  }

  private func worker(
    _ subject: Subject, _ cases: Range<Int>
  ) throws -> (lines: [Substring], process: Process) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    process.arguments = [
      "--specimens", specimens.path, "--reader", subject.name, "--seed", "\(seed)",
      "--first", "\(cases.lowerBound)", "--cases", "\(cases.count)", "--memory", "\(memory)",
    ]
    let output = Pipe()
    process.standardOutput = output
    // Swift's runtime describes a crash at length; the case can be repeated.
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (String(decoding: bytes, as: UTF8.self).split(separator: "\n"), process)
  }

  private mutating func note(
    _ outcome: Outcome, _ subject: Subject, _ number: Int, _ message: String
  ) throws {
    if counts.last?.subject != subject.name {
      if let index = counts.firstIndex(where: { $0.subject == subject.name }) {
        counts.append(counts.remove(at: index))
      } else {
        counts.append((subject.name, [:]))
      }
    }
    counts[counts.count - 1].outcomes[outcome, default: 0] += 1
    guard outcome.isFinding else { return }
    print(
      "\(outcome.rawValue): --seed \(seed) --reader \(subject.name) --first \(number): \(message)")
    // Made again from its number, so that nothing is written for the cases that hold.
    let kept = findings.appending(path: "\(subject.name)-\(number)")
    try? FileManager.default.removeItem(at: kept)
    try FileManager.default.createDirectory(at: kept, withIntermediateDirectories: true)
    let damaged = try DamagedCase(
      subject: subject, specimens: specimens, seed: seed, number: number)
    try Data(damaged.bytes).write(
      to: kept.appending(path: URL(fileURLWithPath: damaged.file).lastPathComponent))
  }

  /// A table of all readers.
  func report() {
    let width = (counts.map(\.subject.count).max() ?? 0) + 2
    func row(_ name: String, _ columns: [String]) {
      let cells = columns.map { String(repeating: " ", count: max(0, 10 - $0.count)) + $0 }
      print(name.padding(toLength: width, withPad: " ", startingAt: 0) + cells.joined())
    }
    row("reader", Outcome.allCases.map(\.rawValue))
    for (subject, outcomes) in counts {
      row(subject, Outcome.allCases.map { "\(outcomes[$0] ?? 0)" })
    }
  }
}
