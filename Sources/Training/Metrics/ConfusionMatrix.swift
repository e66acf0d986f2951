import Foundation
import LockstepCommunication
import LockstepTensors

/// How often which class was taken for which.
///
/// Only what occurs takes memory: of many classes most are never taken for each other.
public struct ConfusionMatrix: Sendable, Equatable {
  /// The classes' names, in the order of their numbers.
  public let classes: [String]
  /// Of [C, C], the row being the right class and the column the predicted one, the elements above 0, by their places
  /// in the matrix row by row.
  private var counts: [Int: Int] = [:]

  /// - Parameter classes: Names, in the order of the classes' numbers.
  public init(classes: [String]) { self.classes = classes }

  /// One class that was taken for one, the same or another.
  public struct Element: Sendable, Equatable, Encodable {
    /// Numbers of the classes.
    public let right, predicted: Int
    public let count: Int
  }

  /// What occurred, row by row.
  public var elements: [Element] {
    counts.sorted { $0.key < $1.key }.map { place, count in
      Element(right: place / classes.count, predicted: place % classes.count, count: count)
    }
  }

  /// How many samples of one class were taken for another.
  ///
  /// - Parameters:
  ///   - right: The number of the right class.
  ///   - predicted: That of the predicted one.
  public func count(right: Int, predicted: Int) -> Int {
    counts[right * classes.count + predicted] ?? 0
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
        if let best { counts[Int(target) * width + best, default: 0] += 1 }
      }
    }
  }

  /// What all ranks counted together. Collective.
  func sum(over communicator: any Communicator) throws -> ConfusionMatrix {
    let stride = MemoryLayout<Int>.stride
    let own = counts.flatMap { [$0.key, $0.value] }.withUnsafeBytes { Array($0) }
    var sum = ConfusionMatrix(classes: classes)
    for rank in 0..<communicator.size {
      try communicator.fromRank(rank) { own }.withUnsafeBytes { bytes in
        for start in Swift.stride(from: 0, to: bytes.count, by: 2 * stride) {
          let place = bytes.loadUnaligned(fromByteOffset: start, as: Int.self)
          let count = bytes.loadUnaligned(fromByteOffset: start + stride, as: Int.self)
          sum.counts[place, default: 0] += count
        }
      }
    }
    return sum
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
    let width = classes.count
    var allThere = [Int](repeating: 0, count: width)
    var allPredicted = allThere
    for (place, count) in counts {
      allThere[place / width] += count
      allPredicted[place % width] += count
    }
    return classes.indices.map { place in
      let right = count(right: place, predicted: place)
      let (there, predicted) = (allThere[place], allPredicted[place])
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
