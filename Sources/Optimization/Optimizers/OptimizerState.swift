/// Part of an optimiser's memory: a flat vector of named tensors, each element of which one rank
/// holds.
public struct OptimizerState {
  /// A tensor of a checkpoint.
  public struct Tensor: Equatable, Sendable {
    /// State and parameter, such as `exp_avg/transformer.wte.weight`; states are called as PyTorch
    /// calls them, where it has them.
    public let name: String
    public let shape: [Int]
    /// Its elements in the flat vector.
    public let elements: Range<Int>
  }

  /// A part of the flat vector, and the rank that holds it.
  public struct Part: Equatable, Sendable {
    public let rank: Int
    public let elements: Range<Int>
  }

  public let tensors: [Tensor]
  /// Elements of the flat vector.
  public let elementCount: Int
  /// Ascending, adjacent, covering the vector.
  public let parts: [Part]
  /// This rank's parts, one after the other. Readable and writable (a resumed run fills it) for as
  /// long as the optimiser lives.
  public let values: UnsafeMutableBufferPointer<Float>
}
