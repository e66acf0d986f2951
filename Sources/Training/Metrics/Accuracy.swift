// B samples, C classes.

import LockstepTensors

extension Metric {
  /// The share of the samples whose class has the highest score.
  ///
  /// Its sum: how many have; see `Tensor.countOfTargets(amongHighest:targets:)`.
  public static let accuracy = Metric("accuracy", sumCount: 1) { loss, sums in
    sums[0] / Double(max(1, loss.targetCount))
  }

  /// The share of the samples whose class has one of the k highest scores.
  ///
  /// Its sum: how many have.
  public static func topAccuracy(_ k: Int) -> Metric {
    Metric("top_\(k)_accuracy", sumCount: 1) { loss, sums in
      sums[0] / Double(max(1, loss.targetCount))
    }
  }
}

extension Tensor {
  /// How many rows have their target among the k highest scores. Of equal scores, the one of the
  /// lower class counts as the higher; a score that is not a number is never among the highest.
  ///
  /// - Parameters:
  ///   - k: At least 1.
  ///   - targets: [B], for self [B, C]; negative ones are passed over.
  public func countOfTargets(amongHighest k: Int, targets: [Int32]) -> Int {
    precondition(
      targets.count == shape.rows, "\(targets.count) targets for \(shape.rows) rows of scores")
    return withElements { scores in
      targets.enumerated().count { row, target in
        guard target >= 0 else { return false }
        let row = UnsafeBufferPointer(
          rebasing: scores[row * shape.last..<(row + 1) * shape.last])
        let own = row[Int(target)]
        guard !own.isNaN else { return false }
        let higher = row.indices.count { row[$0] > own || (row[$0] == own && $0 < Int(target)) }
        return higher < k
      }
    }
  }
}
