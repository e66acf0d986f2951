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
    let sources = decoder.blocks.sourceKeys(of: encoded.states)
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
    let own = decoder.blocks.makeCaches(
      sequences: encoded.lengths.count * beams, capacity: capacity,
      in: encoded.states.workspace)
    let sources = decoder.blocks.sourceKeys(of: encoded.states)
    return DecodingCache(
      layers: zip(own, sources).map { DecodingCache.Layer(own: $0, source: $1) },
      lengths: encoded.lengths, beams: beams)
  }

  /// - Parameter embedded: [..., D].
  private func scaled(_ embedded: Tensor) -> Tensor {
    embedded * Float(configuration.width).squareRoot()
  }
}
