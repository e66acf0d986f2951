/// Which rank holds which part of a vector. A rank may hold several parts, or none.
public struct ElementOwners: Equatable, Sendable {
  public struct Part: Equatable, Sendable {
    public let owner: Int
    public let elements: Range<Int>

    public init(owner: Int, elements: Range<Int>) {
      self.owner = owner
      self.elements = elements
    }
  }

  /// Ascending, adjacent, covering the vector.
  public let parts: [Part]

  public init(_ parts: [Part]) {
    precondition(
      (parts.first?.elements.lowerBound ?? 0) == 0
        && zip(parts, parts.dropFirst()).allSatisfy {
          $0.elements.upperBound == $1.elements.lowerBound
        }, "the parts of a vector follow one another")
    self.parts = parts
  }

  /// Elements of the whole vector.
  public var elementCount: Int { parts.last?.elements.upperBound ?? 0 }

  /// Elements that a rank holds.
  public func count(of rank: Int) -> Int {
    parts.reduce(0) { $0 + ($1.owner == rank ? $1.elements.count : 0) }
  }
}

extension SlicePartition {
  /// Each rank's parts.
  public var elementOwners: ElementOwners {
    ElementOwners(
      (0..<size).flatMap { rank in
        parts(of: rank).map { ElementOwners.Part(owner: rank, elements: $0) }
      }.sorted { $0.elements.lowerBound < $1.elements.lowerBound })
  }
}
