// B sources, S positions of a source, T positions of a target, D width, V vocabulary, K beams.

import LockstepNeuralNetworks
import LockstepTensors

/// The encoder-decoder Transformer of "Attention is all you need" (Vaswani et al., 2017).
///
/// Parameters have the names that Hugging Face gives models of this kind (BART, Marian, M2M-100), and
/// PyTorch's layout.
public struct Transformer: SequenceToSequenceModel, LayeredModel {
  public let configuration: TransformerConfiguration

  /// Of both languages, and the head, if they are tied; else of sources.
  let embedding: Embedding
  /// Nil if tied.
  let targetEmbedding: Embedding?
  let head: Parameter?
  let encoder: TransformerEncoder
  let decoder: TransformerDecoder

  public static let checkpointNames = [
    "embedding": "model.shared", "targetEmbedding": "model.decoder.embed_tokens",
    "head": "lm_head.weight", "encoder": "model.encoder", "decoder": "model.decoder",
  ]

  /// - Parameters:
  ///   - configuration: Layers, heads, widths and so on.
  ///   - vocabularyCount: V.
  public init(_ configuration: TransformerConfiguration, vocabularyCount: Int) {
    self.configuration = configuration
    let width = configuration.width
    // Scaled by √D where they are looked up: elements of deviation 1, and logits too at first.
    let initializer = Initializer.normal(deviation: 1 / Float(width).squareRoot())
    embedding = Embedding(count: vocabularyCount, width: width, initializer: initializer)
    targetEmbedding =
      configuration.tied
      ? nil : Embedding(count: vocabularyCount, width: width, initializer: initializer)
    head = configuration.tied ? nil : Parameter([vocabularyCount, width], initializer: initializer)
    encoder = TransformerEncoder(configuration)
    decoder = TransformerDecoder(configuration)
  }

  public var context: Int { configuration.context }
  public var headWeight: Parameter { head ?? embedding.weight }

  public func encode(source: Indices, lengths: [Int]) -> EncodedSource {
    precondition(
      lengths.count == source.shape[0]
        && lengths.allSatisfy { 1...source.shape[1] ~= $0 },
      "lengths \(lengths) do not fit sources \(source.shape)")
    let embedded = scaled(embedding(source)).observed(as: "source token embedding")  // [B, S, D]
    return EncodedSource(states: encoder(embedded, lengths: lengths), lengths: lengths)
  }

  public func states(of targets: Indices, given encoded: EncodedSource) -> Tensor {
    let sources = decoder.blocks.map { $0.sourceKeys(of: encoded.states) }
    let embedded = scaled((targetEmbedding ?? embedding)(targets))
      .observed(as: "target token embedding")  // [B, T, D]
    return decoder(embedded, sources: sources, lengths: encoded.lengths)
  }

  public func readout(of states: Tensor) -> Tensor {
    (decoder.finalNorm?(states) ?? states).linear(weight: headWeight.tensor)
  }

  public func states(of targets: Indices, cache: DecodingCache) -> Tensor {
    precondition(
      targets.shape[0] == cache.rows, "\(targets.shape) are not the cache's \(cache.rows) rows")
    return decoder(
      scaled((targetEmbedding ?? embedding)(targets)), sources: cache.layers.map(\.source),
      lengths: cache.lengths, caches: cache.layers.map(\.own))
  }

  public func makeCache(for encoded: EncodedSource, beams: Int, capacity: Int) -> DecodingCache {
    precondition(capacity <= context, "\(capacity) positions are more than the model's \(context)")
    let layers = decoder.blocks.map {
      DecodingCache.Layer(
        own: AttentionCache(
          sequences: encoded.lengths.count * beams, capacity: capacity,
          columns: configuration.width, in: encoded.states.workspace),
        source: $0.sourceKeys(of: encoded.states))
    }
    return DecodingCache(layers: layers, lengths: encoded.lengths, beams: beams)
  }

  /// - Parameter embedded: [..., D].
  private func scaled(_ embedded: Tensor) -> Tensor {
    embedded * Float(configuration.width).squareRoot()
  }
}

/// Reads sources: every position sees all of its source.
struct TransformerEncoder: Module {
  let positions: Positions
  let blocks: [EncoderLayer]
  /// Nil with norms after each branch.
  let finalNorm: LayerNorm?
  let dropout: Float
  let recomputes: Bool

  static let checkpointNames = [
    "positions": "embed_positions", "blocks": "layers", "finalNorm": "layer_norm",
  ]

  init(_ configuration: TransformerConfiguration) {
    positions = Positions(configuration)
    blocks = (0..<configuration.encoderLayers).map { _ in EncoderLayer(configuration) }
    finalNorm = configuration.norm == .pre ? LayerNorm(width: configuration.width) : nil
    dropout = Float(configuration.dropout)
    recomputes = configuration.recompute
  }

  /// - Parameters:
  ///   - embedded: [B, S, D].
  ///   - lengths: Tokens of each source, [B].
  /// - Returns: [B, S, D].
  func callAsFunction(_ embedded: Tensor, lengths: [Int]) -> Tensor {
    let mask = AttentionMask.sources(of: lengths, queries: embedded.shape[1])
    var x = positions(embedded, from: 0).dropout(dropout).observed(as: "source embedding")
    for (index, block) in blocks.enumerated() {
      let run = { block($0, mask: mask, name: "encoder block \(index)") }
      // The last one too: the whole decoder runs before its activations are wanted.
      x = recomputes ? x.recomputing(run) : run(x)
    }
    return (finalNorm?(x) ?? x).observed(as: "encoded source")
  }
}

/// Writes targets: every position sees the target up to itself, and all of the source.
struct TransformerDecoder: Module {
  let positions: Positions
  let blocks: [DecoderLayer]
  /// Nil with norms after each branch.
  let finalNorm: LayerNorm?
  let dropout: Float
  let recomputes: Bool

  static let checkpointNames = TransformerEncoder.checkpointNames

  init(_ configuration: TransformerConfiguration) {
    positions = Positions(configuration)
    blocks = (0..<configuration.decoderLayers).map { _ in DecoderLayer(configuration) }
    finalNorm = configuration.norm == .pre ? LayerNorm(width: configuration.width) : nil
    dropout = Float(configuration.dropout)
    recomputes = configuration.recompute
  }

  /// - Parameters:
  ///   - embedded: K targets for each source, [B · K, T, D].
  ///   - sources: What each block sees of the sources.
  ///   - lengths: Tokens of each source, [B].
  ///   - caches: Each block's earlier positions; nil for whole targets. Default: nil.
  /// - Returns: [B · K, T, D].
  func callAsFunction(
    _ embedded: Tensor, sources: [SourceKeys], lengths: [Int], caches: [AttentionCache]? = nil
  ) -> Tensor {
    // The targets of one source ask it together: [B, K · T, D].
    let mask = AttentionMask.sources(
      of: lengths, queries: embedded.shape.rows / lengths.count)
    var x = positions(embedded, from: caches?.first?.positions ?? 0).dropout(dropout)
      .observed(as: "target embedding")
    for (index, block) in blocks.enumerated() {
      let run = {
        block(
          $0, source: sources[index], mask: mask, cache: caches?[index],
          name: "decoder block \(index)")
      }
      // The last block's activations are wanted at once: keeping them takes no more memory.
      x = recomputes && caches == nil && index < blocks.count - 1 ? x.recomputing(run) : run(x)
    }
    return (finalNorm?(x) ?? x).observed(as: "decoder states")
  }
}

/// Adds to embeddings where in the sequence they are.
struct Positions: Module {
  /// One of the two is there.
  let learned: Parameter?
  let sinusoidal: SinusoidalPositions?

  static let checkpointNames = ["learned": "weight"]

  init(_ configuration: TransformerConfiguration) {
    let (count, width) = (configuration.context, configuration.width)
    let isLearned = configuration.positions == .learned
    learned =
      isLearned
      ? Parameter([count, width], initializer: .normal(deviation: 1 / Float(width).squareRoot()))
      : nil
    sinusoidal = isLearned ? nil : SinusoidalPositions(positions: count, width: width)
  }

  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - start: The position of the first.
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, from start: Int) -> Tensor {
    if let learned { return x.addingPositions(learned.tensor, from: start) }
    return sinusoidal?(x, from: start) ?? x
  }
}
