import LockstepCommunication

/// How a vector that some ranks held comes to others: which piece of whose is a piece of whose.
package enum Redistribution {
  package struct Piece: Equatable {
    /// The rank that held it, and where among that rank's elements.
    package let source: Int
    package let sourceStart: Int
    /// The rank that gets it, and where among that rank's elements.
    package let destination: Int
    package let destinationStart: Int
    package let count: Int
  }

  /// - Parameters:
  ///   - old: Which rank held which elements.
  ///   - new: Which rank gets which elements, of the same vector.
  package static func pieces(from old: ElementOwners, to new: ElementOwners) -> [Piece] {
    precondition(old.elementCount == new.elementCount, "two divisions of the same vector")
    let (sources, destinations) = (placed(old), placed(new))
    var pieces: [Piece] = []
    var index = 0
    for destination in destinations {
      while index < sources.count {
        let source = sources[index]
        let shared = source.elements.clamped(to: destination.elements)
        if !shared.isEmpty {
          pieces.append(
            Piece(
              source: source.owner,
              sourceStart: source.start + shared.lowerBound - source.elements.lowerBound,
              destination: destination.owner,
              destinationStart: destination.start + shared.lowerBound
                - destination.elements.lowerBound, count: shared.count))
        }
        if source.elements.upperBound > destination.elements.upperBound { break }
        index += 1
      }
    }
    return pieces
  }

  /// Each part with its place among its owner's elements.
  private static func placed(
    _ owners: ElementOwners
  ) -> [(owner: Int, elements: Range<Int>, start: Int)] {
    var counts: [Int: Int] = [:]
    return owners.parts.map { part in
      let start = counts[part.owner, default: 0]
      counts[part.owner] = start + part.elements.count
      return (part.owner, part.elements, start)
    }
  }
}
