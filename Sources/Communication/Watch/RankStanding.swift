/// What is known of a rank while others may wait for it.
package struct RankStanding: Equatable, Sendable {
  package var rank: Int
  package var host: String
  package var processID: Int
  /// Which ranks it meets with, and how often it has met. Numbers wrap around.
  package var group: UInt32
  package var meeting: UInt32
  /// The last collective that it came to, and the optimiser step.
  package var call: CollectiveCall
  package var step: Int
  package var isWaiting: Bool
  package var activity = WatchActivity.steps
  package var sign: Sign

  /// What it shows of itself.
  package enum Sign: Equatable, Sendable {
    /// A thread of its process gives signs of life: it computes, or is stuck.
    case alive
    /// Its process gives none; on its host it is in this state, as /proc has it.
    case silent(state: UInt8)
    /// Nothing of its host arrives.
    case hostSilent
    /// Nothing has ever arrived from its host.
    case hostUnheard
  }

  package init(
    rank: Int, host: String, processID: Int, group: UInt32, meeting: UInt32, call: CollectiveCall,
    step: Int, isWaiting: Bool, activity: WatchActivity = .steps, sign: Sign
  ) {
    self.rank = rank
    self.host = host
    self.processID = processID
    self.group = group
    self.meeting = meeting
    self.call = call
    self.step = step
    self.isWaiting = isWaiting
    self.activity = activity
    self.sign = sign
  }

  /// The ranks that a group waits for: those that do not wait themselves, and those that can not go on.
  /// A rank that still waits for messages may be one meeting behind a rank that has received them:
  /// neither is at fault. Where all ranks wait and live, a message between them is missing, and none
  /// of them is named.
  package static func missing(of group: UInt32, in all: [RankStanding]) -> [RankStanding] {
    let absent = all.filter { $0.group == group && (!$0.isWaiting || $0.isSilent) }
    // Of a host of which nothing was ever heard nothing is known: it counts only if nobody else does.
    let known = absent.filter { $0.sign != .hostUnheard }
    return known.isEmpty ? absent : known
  }

  /// The rank that speaks for a group: the first that lives and waits.
  package static func speaker(of group: UInt32, in all: [RankStanding]) -> Int? {
    all.first { $0.group == group && $0.isWaiting && $0.sign == .alive }?.rank
  }

  private var isSilent: Bool {
    switch sign {
    case .alive, .hostUnheard: false
    case .silent, .hostSilent: true
    }
  }
}

extension RankStanding: CustomStringConvertible {
  /// "rank 1 (host h1, process 4711) is stopped; its last call was barrier(), step 7".
  package var description: String {
    let doing = activity.name.map { ", in \($0)" } ?? ""
    return """
      rank \(rank) (host \(host), process \(processID)) \(sign.words); its last call was \(call), \
      step \(step)\(doing)
      """
  }
}

extension RankStanding.Sign {
  /// Whether a process in this state can give no sign of life.
  static func isStopped(_ state: UInt8) -> Bool {
    ["T", "t", "Z", "X"].contains(Character(Unicode.Scalar(state)))
  }

  var words: String {
    switch self {
    case .alive: "lives, and computes or is stuck"
    case .silent(let state):
      switch Unicode.Scalar(state) {
      case "T": "is stopped (SIGSTOP)"
      case "t": "is stopped by a debugger"
      case "Z", "X": "is gone"
      case "D": "gives no sign of life, and waits for a disk or a network's file system"
      default: "gives no sign of life"
      }
    case .hostSilent: "is on a host that does not answer"
    case .hostUnheard: "is not here yet, and nothing was ever heard from its host's watch"
    }
  }
}

/// Which ranks wait for which, in one sentence.
package struct Stall: Equatable, Sendable, CustomStringConvertible {
  package var waiter: RankStanding
  package var waitedSeconds: Int
  package var missing: [RankStanding]

  package init(waiter: RankStanding, waitedSeconds: Int, missing: [RankStanding]) {
    self.waiter = waiter
    self.waitedSeconds = waitedSeconds
    self.missing = missing
  }

  private static let namedCount = 4

  package var description: String {
    "\(waiter.call), step \(waiter.step): waiting for \(waitedSeconds) s. \(who)"
  }

  /// Those that are missing. Ranks of a host that does not answer are one.
  private var who: String {
    guard !missing.isEmpty else {
      return "All ranks have come, and messages between their hosts do not arrive"
    }
    var words: [String] = []
    for (index, standing) in missing.enumerated() {
      guard standing.sign == .hostSilent else {
        words.append(standing.description)
        continue
      }
      if index > 0, missing[index - 1].host == standing.host,
        missing[index - 1].sign == .hostSilent
      {
        continue
      }
      let ranks = missing.filter { $0.host == standing.host && $0.sign == .hostSilent }
      words.append(Self.silentHost(ranks))
    }
    let rest = words.count - Self.namedCount
    return words.prefix(Self.namedCount).joined(separator: "; ")
      + (rest > 0 ? "; and \(rest) more" : "")
  }

  private static func silentHost(_ ranks: [RankStanding]) -> String {
    let numbers = ranks.map { "\($0.rank)" }.joined(separator: ", ")
    let processes = ranks.map { "\($0.processID)" }.joined(separator: ", ")
    return """
      host \(ranks[0].host) does not answer: it is stopped, or its link is cut. It has rank\
      \(ranks.count == 1 ? "" : "s") \(numbers) (process\(ranks.count == 1 ? "" : "es") \
      \(processes)); the last call there was \(ranks[0].call), step \(ranks[0].step)
      """
  }
}
