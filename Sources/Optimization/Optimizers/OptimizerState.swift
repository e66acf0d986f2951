/// Part of an optimiser's memory: a flat vector of named tensors, each element of which one rank
/// holds.
public struct OptimizerState {
  /// A tensor of a checkpoint.
  public struct Tensor: Equatable, Sendable, Codable {
    /// State and parameter, such as `exp_avg/transformer.wte.weight`; states are called as PyTorch
    /// calls them, where it has them.
    public let name: String
    public let shape: [Int]
    /// Its elements in the flat vector.
    public let elements: Range<Int>
  }

  /// A part of the flat vector, and the rank that holds it.
  public struct Part: Equatable, Sendable, Codable {
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

extension OptimizerState {
  /// A state without its values: what ranks that hold nothing of it have to know.
  package struct Outline: Equatable, Sendable, Codable {
    let tensors: [Tensor]
    let elementCount: Int
    let parts: [Part]

    /// The same under longer names, on other ranks.
    ///
    /// - Parameters:
    ///   - prefix: Comes before the names, with a slash between.
    ///   - firstRank: What ranks count from.
    package func named(_ prefix: String, ranksFrom firstRank: Int) -> Self {
      Self(
        tensors: tensors.map {
          Tensor(name: "\(prefix)/\($0.name)", shape: $0.shape, elements: $0.elements)
        },
        elementCount: elementCount,
        parts: parts.map { Part(rank: firstRank + $0.rank, elements: $0.elements) })
    }

    /// The same, all of it on one rank.
    package func held(by rank: Int) -> Self {
      Self(
        tensors: tensors, elementCount: elementCount,
        parts: [Part(rank: rank, elements: 0..<elementCount)])
    }
  }

  package var outline: Outline {
    Outline(tensors: tensors, elementCount: elementCount, parts: parts)
  }

  /// - Parameter values: This rank's parts, one after the other; empty where it holds nothing.
  package init(_ outline: Outline, values: UnsafeMutableBufferPointer<Float>) {
    self.init(
      tensors: outline.tensors, elementCount: outline.elementCount, parts: outline.parts,
      values: values)
  }
}
