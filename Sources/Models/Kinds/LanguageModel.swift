// B sequences, T positions, D width, V vocabulary.

import LockstepNeuralNetworks
import LockstepTensors

/// A model that predicts the next token.
public protocol LanguageModel: TokenEmbeddingModel {
  /// The most positions that a sequence can have.
  var context: Int { get }

  /// The head: logits = states · headWeightᵀ, [V, D].
  var headWeight: Parameter { get }

  /// The states before the head.
  ///
  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - documents: Where documents begin in whole sequences; nil: each sequence is one text.
  ///   - cache: Holds the earlier positions and gains these; nil for whole sequences.
  /// - Returns: [B, T, D].
  func states(
    of tokens: Indices, documents: PackedDocuments?, cache: GenerationCache?
  ) -> Tensor

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - sequences: B.
  ///   - capacity: Most positions of a sequence, at most `context`.
  func makeCache(sequences: Int, capacity: Int, in workspace: Workspace) -> GenerationCache
}

extension LanguageModel {
  /// An empty cache for sequences of up to `context` positions.
  public func makeCache(sequences: Int, in workspace: Workspace) -> GenerationCache {
    makeCache(sequences: sequences, capacity: context, in: workspace)
  }

  /// The sum over all target tokens of -log p(target), in nats; negative targets are ignored.
  ///
  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - targets: [B, T].
  ///   - documents: Where documents begin; nil: each sequence is one text. Default: nil.
  ///   - labelSmoothing: The share of the target that all tokens have alike. Default: 0.
  /// - Returns: A scalar.
  public func loss(
    of tokens: Indices, targets: Indices, documents: PackedDocuments? = nil,
    labelSmoothing: Float = 0
  ) -> Tensor {
    states(of: tokens, documents: documents, cache: nil).linearCrossEntropy(
      weight: headWeight.tensor, targets: targets, labelSmoothing: labelSmoothing)
  }

  /// -log p(target) of each token, in nats; 0 where the target is negative.
  ///
  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - targets: [B, T].
  ///   - documents: Where documents begin; nil: each sequence is one text. Default: nil.
  /// - Returns: [B · T].
  public func losses(
    of tokens: Indices, targets: Indices, documents: PackedDocuments? = nil
  ) -> Tensor {
    states(of: tokens, documents: documents, cache: nil).linearCrossEntropies(
      weight: headWeight.tensor, targets: targets)
  }

  /// The states before the head, each sequence being one text.
  ///
  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - cache: Holds the earlier positions and gains these; nil for whole sequences. Default: nil.
  /// - Returns: [B, T, D].
  public func states(of tokens: Indices, cache: GenerationCache? = nil) -> Tensor {
    states(of: tokens, documents: nil, cache: cache)
  }

  /// - Parameter tokens: [B, T].
  /// - Returns: [B, T, V].
  public func logits(of tokens: Indices, cache: GenerationCache? = nil) -> Tensor {
    states(of: tokens, cache: cache).linear(weight: headWeight.tensor)
  }
}

/// The attention caches of a model's layers.
public final class GenerationCache {
  public let layers: [AttentionCache]

  public init(layers: [AttentionCache]) {
    self.layers = layers
  }

  /// How many positions of the longest sequence are filled.
  public var positions: Int { layers.first?.positions ?? 0 }

  /// How many positions of each sequence are filled, [B].
  public var filled: [Int] { layers.first?.filled ?? [] }

  /// Whether all sequences have as many positions.
  public var isEven: Bool { layers.first?.isEven ?? true }

  /// Forgets the positions from `count` on: a text that goes on otherwise from there.
  ///
  /// - Parameter count: At most as many as are filled.
  public func truncate(to count: Int) {
    for layer in layers { layer.truncate(to: count) }
  }

  /// The same with a number of positions for each sequence: those of texts of different lengths, which
  /// were read together.
  public func truncate(to counts: [Int]) {
    for layer in layers { layer.truncate(to: counts) }
  }

  /// Sequence s goes on from what sequence `sequences[s]` was; there may be fewer, or more.
  public func select(_ sequences: [Int]) {
    for layer in layers { layer.select(sequences) }
  }
}
