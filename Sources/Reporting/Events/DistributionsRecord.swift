/// How the elements of each tensor are distributed at some step.
public struct DistributionsRecord: Equatable, Sendable {
  public enum Kind: String, CaseIterable, Sendable {
    /// After the step.
    case parameters
    /// Of the step's mean loss, before clipping.
    case gradients
    /// What the step added to the parameters.
    case updates
  }

  public struct Tensor: Equatable, Sendable {
    public var name: String
    public var histogram: Histogram

    public init(name: String, histogram: Histogram) {
      self.name = name
      self.histogram = histogram
    }
  }

  /// Optimiser steps taken.
  public var step: Int
  public var kind: Kind
  /// One entry for each tensor, in the order of the parameters.
  public var tensors: [Tensor]

  public init(step: Int, kind: Kind, tensors: [Tensor]) {
    self.step = step
    self.kind = kind
    self.tensors = tensors
  }
}

/// Counts of elements by size: two buckets for each doubling from 2⁻⁴⁰ to 2⁴⁰, for either sign, and one for what is
/// nearer to zero.
///
/// Counts are whole numbers: of slices added up in any order they are those of the whole.
public struct Histogram: Equatable, Sendable {
  /// Buckets of one sign.
  package static let signedCount = 160
  /// Buckets, from the most negative to the most positive.
  package static let bucketCount = 2 * signedCount + 1

  package private(set) var counts = [Int](repeating: 0, count: bucketCount)

  package init() {}

  package init(counts: [Int]) {
    precondition(counts.count == Self.bucketCount)
    self.counts = counts
  }

  /// Counts elements; one that is no number is left out.
  package mutating func add(_ elements: some Sequence<Float>) {
    for element in elements where !element.isNaN { counts[Self.bucket(of: element)] += 1 }
  }

  static func bucket(of element: Float) -> Int {
    let magnitude = abs(element)
    guard magnitude >= 0x1p-40 else { return signedCount }
    let exponent = magnitude.isInfinite ? 40 : Int(magnitude.exponent)
    // The upper half of a doubling begins at the root of two.
    let isUpper = magnitude.isInfinite || magnitude.significand >= Float(2).squareRoot()
    let place = min(signedCount - 1, 2 * (exponent + 40) + (isUpper ? 1 : 0))
    return element < 0 ? signedCount - 1 - place : signedCount + 1 + place
  }

  /// The buckets that hold something and those between them: borders and counts, ascending.
  public var buckets: [(lower: Double, upper: Double, count: Int)] {
    guard let first = counts.firstIndex(where: { $0 > 0 }),
      let last = counts.lastIndex(where: { $0 > 0 })
    else { return [] }
    return (first...last).map { (Self.border($0), Self.border($0 + 1), counts[$0]) }
  }

  /// The lower border of a bucket.
  private static func border(_ bucket: Int) -> Double {
    func power(_ place: Int) -> Double {
      (place.isMultiple(of: 2) ? 1 : 2.0.squareRoot())
        * Double(sign: .plus, exponent: place / 2 - 40, significand: 1)
    }
    return bucket > signedCount ? power(bucket - signedCount - 1) : -power(signedCount - bucket)
  }
}
