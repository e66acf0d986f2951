import Foundation
import LockstepFiles

/// Everything that a run's `metrics.jsonl` has said so far.
package struct RunMetrics {
  /// One row for each optimiser step: `loss`, `learning_rate`, …
  package private(set) var steps = MetricsTable()
  /// One row for each evaluation: `validation_loss`, `accuracy`, …
  package private(set) var evaluations = MetricsTable()
  /// Where the time of a step went: `0.forward_seconds` of rank zero and so on, and `memory`, the
  /// resident bytes of the largest rank.
  package private(set) var ranks = MetricsTable()
  package private(set) var rankCount = 0
  /// The newest lines with samples, as JSON, the oldest first.
  package private(set) var samples: [Data] = []
  /// How many lines with samples there were.
  package private(set) var sampleCount = 0
  /// Lines that are no JSON objects.
  package private(set) var damagedLines = 0

  /// So many lines with samples are kept.
  static let keptSamples = 100

  private var line = MetricsLine()

  package init() {}

  /// The last step that anything was said of.
  package var lastStep: Int { max(steps.steps.last ?? 0, evaluations.steps.last ?? 0) }

  /// Takes in a line.
  ///
  /// - Parameters:
  ///   - bytes: See `MetricsLine.read`.
  ///   - range: The line, without its end.
  mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    guard line.read(bytes, range) else {
      damagedLines += 1
      return
    }
    guard let step = line.step else { return }
    if line.hasLoss {
      Self.add(line.members, step, bytes, to: &steps)
    } else if line.hasValidationLoss {
      Self.add(line.members, step, bytes, to: &evaluations)
    } else if line.hasRanks {
      addRanks(step, bytes)
    } else if line.hasSamples {
      // These go to the page as they are.
      let text = Array(bytes[range])
      guard (try? JSONReader.value(of: text)) != nil else {
        damagedLines += 1
        return
      }
      sampleCount += 1
      samples.append(Data(text))
      if samples.count > Self.keptSamples { samples.removeFirst() }
    }
  }

  private static func add(
    _ members: MetricsLine.Members, _ step: Int, _ bytes: UnsafeBufferPointer<UInt8>,
    to table: inout MetricsTable
  ) {
    table.begin(step: step)
    for member in members {
      table.add(UnsafeBufferPointer(rebasing: bytes[member.key]), member.value)
    }
    table.end()
  }

  private mutating func addRanks(_ step: Int, _ bytes: UnsafeBufferPointer<UInt8>) {
    ranks.begin(step: step)
    rankCount = max(rankCount, line.ranks.count)
    var memory = Double.nan
    for (rank, members) in line.ranks.enumerated() {
      for member in members {
        if MetricsLine.equals(bytes, member.key, "resident_bytes") {
          memory = memory > member.value ? memory : member.value
        }
        ranks.add(
          UnsafeBufferPointer(rebasing: bytes[member.key]), member.value, rank: rank)
      }
    }
    ranks.add("memory", memory)
    ranks.end()
  }
}
