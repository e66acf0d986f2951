// B sequences, T positions.

import LockstepTensors

/// Where documents begin in sequences that hold several, one after the other.
///
/// A token sees its own document only, and positions count from the document's beginning: what a
/// model says of a document does not depend on its neighbours in the sequence.
public struct PackedDocuments: Sendable {
  /// Each token's place in its document, from 0, [B, T].
  public let positions: Indices
  /// What a token sees: its document up to itself.
  public let mask: AttentionMask

  /// - Parameter starts: Where the document of each token begins in its sequence, at or before the
  ///   token, [B, T].
  public init(starts: Indices) {
    precondition(starts.shape.rank == 2, "starts of documents are [B, T], not \(starts.shape)")
    let (sequences, length) = (starts.shape[0], starts.shape[1])
    let places = (0..<sequences).flatMap { _ in 0..<Int32(length) }
    precondition(
      zip(starts.elements, places).allSatisfy { 0 <= $0 && $0 <= $1 },
      "a document begins in its sequence, at or before its tokens")
    positions = Indices(zip(places, starts.elements).map { $0 - $1 }, shape: starts.shape)
    mask = .ranges(
      KeyRanges(lower: starts.elements, upper: places.map { $0 + 1 }))
  }
}
