import LockstepCommunication
import LockstepOptimization
import LockstepReporting

/// Counts how the elements of each tensor are distributed, at some steps: each rank those of its parts, which rank
/// zero adds up.
///
/// Counts are whole numbers, so that they do not depend on the number of ranks.
final class DistributionRecorder {
  private let every: Int
  private let layout: ParameterLayout
  private let communicator: any Communicator
  /// This rank's elements before the update, one part after the other.
  private var before: [[Float]] = []
  /// One for each kind and tensor, as `Histogram` has them.
  private var counts: [Histogram] = []

  private static let kinds = DistributionsRecord.Kind.allCases

  /// - Returns: Nil where no step is due.
  init?(every: Int, layout: ParameterLayout, communicator: any Communicator) {
    guard every > 0 else { return nil }
    self.every = every
    self.layout = layout
    self.communicator = communicator
  }

  func isDue(step: Int) -> Bool { step.isMultiple(of: every) }

  /// Counts the gradient and remembers the parameters, before the update.
  ///
  /// - Parameter targetCount: Of the step: the gradient is divided by it.
  func begin(
    gradient: ReducedGradient, targetCount: Double, parameters: UnsafeMutableBufferPointer<Float>
  ) {
    counts = Array(repeating: Histogram(), count: Self.kinds.count * layout.tensors.count)
    before = layout.ownParts.map { Array(parameters[$0]) }
    let scale = Float(1 / targetCount)
    count(.gradients) { element, _ in gradient.values[element] * scale }
  }

  /// Counts what the update came to.
  func finish(parameters: UnsafeMutableBufferPointer<Float>) {
    count(.parameters) { element, _ in parameters[element] }
    count(.updates) { [before, layout] element, part in
      parameters[element] - before[part][element - layout.ownParts[part].lowerBound]
    }
    before = []
  }

  /// Brings the counts of all ranks together. Collective.
  ///
  /// - Returns: On rank zero one record a kind; on the others none.
  func gather(step: Int) throws -> [DistributionsRecord] {
    let length = counts.count * Histogram.bucketCount
    // Whole numbers of 32 bits travel where floats do: nothing computes with them on the way.
    let own = counts.flatMap { $0.counts.map { Float(bitPattern: UInt32(clamping: $0)) } }
    counts = []
    let owners = ElementOwners(
      (0..<communicator.size).map {
        .init(owner: $0, elements: $0 * length..<($0 + 1) * length)
      })
    var sums = [Int](repeating: 0, count: communicator.isRankZero ? length : 0)
    try own.withUnsafeBufferPointer { own in
      try communicator.gather(own, owners: owners) { start, chunk in
        for (index, element) in chunk.enumerated() {
          sums[(start + index) % length] += Int(element.bitPattern)
        }
      }
    }
    guard communicator.isRankZero else { return [] }
    return Self.kinds.enumerated().map { place, kind in
      DistributionsRecord(
        step: step, kind: kind,
        tensors: layout.tensors.enumerated().map { index, tensor in
          let start = (place * layout.tensors.count + index) * Histogram.bucketCount
          return .init(
            name: tensor.name,
            histogram: Histogram(counts: Array(sums[start..<start + Histogram.bucketCount])))
        })
    }
  }

  /// - Parameter value: At a place of the flat buffer, in one of this rank's parts.
  private func count(
    _ kind: DistributionsRecord.Kind, _ value: @escaping (_ element: Int, _ part: Int) -> Float
  ) {
    let place = (Self.kinds.firstIndex(of: kind) ?? 0) * layout.tensors.count
    for (index, tensor) in layout.tensors.enumerated() {
      for (part, elements) in layout.ownParts.enumerated() {
        let values = tensor.range.clamped(to: elements).lazy.map { value($0, part) }
        counts[place + index].add(values)
      }
    }
  }
}
