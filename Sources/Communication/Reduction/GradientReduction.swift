/// Sums the gradients of all micro-batches of an optimiser step over all ranks.
///
/// For each of its micro-batches a rank computes the gradient into `leafBuffer` and calls `fold`;
/// then all ranks call `reduce`, and each ends with the sum for what it owns of the parameters.
///
///     for microbatch in reduction.ownedLeaves {
///       backward(into: reduction.leafBuffer)
///       reduction.fold(scalars: [loss, targetCount])
///     }
///     let gradient = try reduction.reduce()
public protocol GradientReduction: AnyObject {
  /// The micro-batches that this rank computes, in order.
  var ownedLeaves: Range<Int> { get }
  /// Which rank owns which part of the result.
  var partition: SlicePartition { get }

  /// Tells what the rounding of partial sums draws from in the next step, before its first `fold`: the same on all
  /// ranks. Nothing where nothing is drawn.
  func begin(_ draws: StepDraws)

  /// Where the next micro-batch's gradient is to be computed, [P]. Its content is left over from
  /// earlier ones and must be overwritten. Another buffer after each `fold`.
  var leafBuffer: UnsafeMutableBufferPointer<Float> { get }

  /// Takes in the gradient that `leafBuffer` now holds.
  ///
  /// - Parameter scalars: Of this micro-batch, such as loss and target count: as many as the
  ///   reduction was made for.
  func fold(scalars: [Double])

  /// Begins to sum over all ranks while this rank's last gradient is still being computed. Collective.
  ///
  /// To be called when all micro-batches but the last are folded; `report` then tells what is done, and
  /// `fold` and `reduce` follow as ever, with the same result. In between nobody calls the communicator.
  ///
  /// - Returns: Whether it does so: else nothing is different, and `report` does nothing.
  func beginLast() -> Bool

  /// Tells which elements of the last gradient are final: all from this one on.
  func report(firstFinal: Int)

  /// Sums over all ranks, and makes ready for the next step. Collective.
  ///
  /// The result lies in a leaf buffer: it is valid until that is written again.
  ///
  /// - Parameter flag: Any small number, such as 1 for a request to stop; ranks learn the largest.
  func reduce(flag: Int) throws -> ReducedGradient

  /// Finds where the gradient of the last `reduce` stopped being finite. Collective.
  ///
  /// For a norm that is not finite though all losses are. To be called before a leaf buffer is
  /// written again.
  ///
  /// - Returns: The same on all ranks; nil when all elements are finite, or when the reduction has
  ///   not kept enough to tell.
  func locateNonFinite() throws -> NonFiniteGradient?
}

extension GradientReduction {
  public func begin(_ draws: StepDraws) {}
  public func beginLast() -> Bool { false }
  public func report(firstFinal: Int) {}
  public func reduce() throws -> ReducedGradient { try reduce(flag: 0) }
}

/// What a reduction leaves on each rank. All but `parts` and `values` is the same on all
/// ranks.
public struct ReducedGradient {
  /// This rank's elements of the flat buffer, ascending.
  public let parts: [Range<Int>]
  /// [P]: at these elements, their sums over all micro-batches; elsewhere, anything.
  public let values: UnsafeMutableBufferPointer<Float>
  /// The sum of the squares of all P elements, of all ranks.
  public let squaredNorm: Double
  /// The scalars, summed over all micro-batches in the order of the tree.
  public let scalars: [Double]
  /// The first micro-batch with a scalar that is not finite, if there is one.
  public let nonFiniteLeaf: NonFiniteLeaf?
  /// The largest flag of any rank.
  public let flag: Int
}

/// Where a sum went wrong first.
public struct NonFiniteLeaf: Equatable, Sendable {
  public let rank: Int
  public let microbatch: Int
  /// Which of the scalars, and what it was.
  public let scalarIndex: Int
  public let value: Double

  public init(rank: Int, microbatch: Int, scalarIndex: Int, value: Double) {
    self.rank = rank
    self.microbatch = microbatch
    self.scalarIndex = scalarIndex
    self.value = value
  }
}

/// Where a gradient stopped being finite first.
public struct NonFiniteGradient: Equatable, Sendable {
  public let rank: Int
  /// The micro-batches among which it is: all of a partial sum.
  public let microbatches: Range<Int>
  /// The place in the flat buffer, which tells the parameter.
  public let element: Int

  public init(rank: Int, microbatches: Range<Int>, element: Int) {
    self.rank = rank
    self.microbatches = microbatches
    self.element = element
  }
}
