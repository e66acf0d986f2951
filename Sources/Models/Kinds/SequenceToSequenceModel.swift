// B sources, S positions of a source, T positions of a target, D width, V vocabulary, K beams.

import LockstepNeuralNetworks
import LockstepTensors

/// A model that predicts the next token of a target from a source and the tokens before it.
public protocol SequenceToSequenceModel: Module {
  /// The most positions that a source or a target can have.
  var context: Int { get }

  /// The head: logits = states · headWeightᵀ, [V, D].
  var headWeight: Parameter { get }

  /// Reads sources.
  ///
  /// - Parameters:
  ///   - source: Any tokens beyond a source's length, [B, S].
  ///   - lengths: Tokens of each source, in 1 ... S, [B].
  func encode(source: Indices, lengths: [Int]) -> EncodedSource

  /// The decoder's states before the head, for whole targets.
  ///
  /// - Parameters:
  ///   - targets: What is read: each target's first token says "begin", [B, T].
  ///   - encoded: The sources of these targets.
  /// - Returns: [B, T, D].
  func states(of targets: Indices, given encoded: EncodedSource) -> Tensor

  /// The decoder's states before the head, for the newest tokens of targets.
  ///
  /// - Parameters:
  ///   - targets: [B · K, t].
  ///   - cache: Holds the positions before and gains these.
  /// - Returns: [B · K, t, D].
  func states(of targets: Indices, cache: DecodingCache) -> Tensor

  /// What decoding keeps of these sources, no target begun.
  ///
  /// - Parameters:
  ///   - encoded: B sources.
  ///   - beams: K, targets of each source; those of one source lie side by side.
  ///   - capacity: Positions that a target may have, at most `context`.
  func makeCache(for encoded: EncodedSource, beams: Int, capacity: Int) -> DecodingCache
}

extension SequenceToSequenceModel {
  /// The sum over all target tokens of -log p(target), in nats; negative targets are ignored.
  ///
  /// - Parameters:
  ///   - source: [B, S].
  ///   - lengths: Tokens of each source, [B].
  ///   - inputs: What the decoder reads, [B, T].
  ///   - targets: What it is to predict, [B, T].
  ///   - labelSmoothing: The share of the target that all tokens have alike. Default: 0.
  /// - Returns: A scalar.
  public func loss(
    source: Indices, lengths: [Int], inputs: Indices, targets: Indices, labelSmoothing: Float = 0
  ) -> Tensor {
    states(of: inputs, given: encode(source: source, lengths: lengths))
      .linearCrossEntropy(
        weight: headWeight.tensor, targets: targets, labelSmoothing: labelSmoothing)
  }

  /// The next tokens' logits at all positions, for whole targets.
  ///
  /// - Parameter targets: [B, T].
  /// - Returns: [B, T, V].
  public func logits(of targets: Indices, given encoded: EncodedSource) -> Tensor {
    states(of: targets, given: encoded).linear(weight: headWeight.tensor)
  }

  /// The next tokens' logits after the newest tokens of targets.
  ///
  /// - Parameters:
  ///   - targets: [B · K, t].
  ///   - cache: Holds the positions before and gains these.
  /// - Returns: [B · K, t, V].
  public func logits(of targets: Indices, cache: DecodingCache) -> Tensor {
    states(of: targets, cache: cache).linear(weight: headWeight.tensor)
  }
}

/// Sources as the decoder sees them.
public struct EncodedSource {
  /// [B, S, D]; what lies beyond a source's length means nothing.
  public let states: Tensor
  /// Tokens of each source, [B].
  public let lengths: [Int]
}

/// What decoding token by token keeps: of the targets the keys and values of all positions so far, of
/// the sources those that cross-attention sees, computed once.
///
/// Targets are rows: source b's are b · K ..< (b + 1) · K.
public final class DecodingCache {
  /// One decoder block's share.
  struct Layer {
    let own: AttentionCache
    var source: SourceKeys
  }

  private(set) var layers: [Layer]
  /// Tokens of each source, [B].
  public private(set) var lengths: [Int]
  /// K.
  public let beams: Int

  init(layers: [Layer], lengths: [Int], beams: Int) {
    precondition(beams > 0)
    self.layers = layers
    self.lengths = lengths
    self.beams = beams
  }

  /// B · K.
  public var rows: Int { lengths.count * beams }

  /// How many positions of the targets are filled.
  public var positions: Int { layers.first?.own.positions ?? 0 }

  /// Row r goes on from what row `rows[r]` was: beams are reordered, repeated, or given up, and
  /// sources left out with all their rows.
  ///
  /// - Parameter rows: A multiple of K. Each K of them, side by side, are rows of one source.
  public func select(_ rows: [Int]) {
    precondition(rows.count.isMultiple(of: beams), "\(rows.count) rows are not \(beams) a source")
    let sources = stride(from: 0, to: rows.count, by: beams).map { rows[$0] / beams }
    precondition(
      rows.enumerated().allSatisfy { $1 / beams == sources[$0 / beams] },
      "rows of different sources can not be beams of one")
    for layer in layers { layer.own.select(rows) }
    guard sources != Array(lengths.indices) else { return }
    for index in layers.indices { layers[index].source = layers[index].source.selecting(sources) }
    lengths = sources.map { lengths[$0] }
  }
}
