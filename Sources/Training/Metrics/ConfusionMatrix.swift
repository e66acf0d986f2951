import Foundation
import LockstepTensors

/// How often which class was taken for which.
public struct ConfusionMatrix: Sendable, Equatable {
  /// The classes' names, in the order of their numbers.
  public let classes: [String]
  /// [C, C]: the row is the right class, the column the predicted one.
  public private(set) var counts: [Int]

  /// - Parameter classes: Names, in the order of the classes' numbers.
  public init(classes: [String]) {
    self.classes = classes
    counts = [Int](repeating: 0, count: classes.count * classes.count)
  }

  /// How many samples of one class were taken for another.
  ///
  /// - Parameters:
  ///   - right: The number of the right class.
  ///   - predicted: That of the predicted one.
  public func count(right: Int, predicted: Int) -> Int {
    counts[right * classes.count + predicted]
  }

  /// Counts the predictions of a batch: of equal scores, the one of the lower class counts as the higher,
  /// and one that is not a number is never the highest.
  ///
  /// - Parameters:
  ///   - outputs: [B, C].
  ///   - targets: [B].
  public mutating func add(_ outputs: Tensor, targets: [Int32]) {
    let width = classes.count
    outputs.withElements { scores in
      for (row, target) in targets.enumerated() {
        var best: Int?
        for place in 0..<width {
          let score = scores[row * width + place]
          guard !score.isNaN else { continue }
          if let known = best, scores[row * width + known] >= score { continue }
          best = place
        }
        if let best { counts[Int(target) * width + best] += 1 }
      }
    }
  }

  /// Adds what others counted.
  mutating func add(_ others: [Double]) {
    for place in counts.indices { counts[place] += Int(others[place]) }
  }

  /// How well a class is recognised.
  public struct ClassScores: Sendable, Equatable, Encodable {
    public let name: String
    /// Of the samples that were said to be of the class, the share that is; nil where none were.
    public let precision: Double?
    /// Of the samples of the class, the share that was found; nil where there are none.
    public let recall: Double?
    /// The harmonic mean of both, 2 · right / (predicted + there); nil where there is neither.
    public let f1: Double?
    /// Samples of the class.
    public let count: Int

    enum CodingKeys: String, CodingKey {
      case precision, recall, f1, count
      case name = "class"
    }
  }

  /// Each class's scores, in the order of their numbers.
  public var scores: [ClassScores] {
    classes.indices.map { place in
      let right = count(right: place, predicted: place)
      let there = classes.indices.reduce(0) { $0 + count(right: place, predicted: $1) }
      let predicted = classes.indices.reduce(0) { $0 + count(right: $1, predicted: place) }
      func share(_ part: Int, of whole: Int) -> Double? {
        whole == 0 ? nil : Double(part) / Double(whole)
      }
      return ClassScores(
        name: classes[place], precision: share(right, of: predicted),
        recall: share(right, of: there), f1: share(2 * right, of: predicted + there), count: there)
    }
  }

  /// The mean of the classes' F1, each class alike, of those that there is one of.
  public var macroF1: Double? {
    let known = scores.compactMap(\.f1)
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }
}
