// B sequences, T positions, D width, H heads.

import LockstepNeuralNetworks
import LockstepTensors

/// A Transformer block in which every position sees every other: x + attention(norm(x)), then
/// x + feedForward(norm(x)), with GELU and F = 4D.
struct EncoderBlock: Module {
  let attentionNorm: LayerNorm
  let queriesKeysValues: Linear
  let attentionOutput: Linear
  let feedForwardNorm: LayerNorm
  let expansion: Linear
  let output: Linear
  let heads: Int
  let dropout: Float

  /// - Parameters:
  ///   - width: D, a multiple of the number of heads.
  ///   - heads: H.
  ///   - dropout: In attention and on each residual branch.
  init(width: Int, heads: Int, dropout: Double) {
    attentionNorm = LayerNorm(width: width)
    queriesKeysValues = Linear(inputs: width, outputs: 3 * width)
    attentionOutput = Linear(inputs: width, outputs: width)
    feedForwardNorm = LayerNorm(width: width)
    expansion = Linear(inputs: width, outputs: 4 * width, activation: .gelu)
    output = Linear(inputs: 4 * width, outputs: width)
    self.heads = heads
    self.dropout = Float(dropout)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, name: String) -> Tensor {
    let attended = attention(attentionNorm(x)).observed(as: "\(name) attention")
    let middle = x + attended
    let fed = output(expansion(feedForwardNorm(middle))).dropout(dropout)
      .observed(as: "\(name) feed-forward")
    return (middle + fed).observed(as: "\(name) output")
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  private func attention(_ x: Tensor) -> Tensor {
    let projected = queriesKeysValues(x)  // [B, T, 3D]
    let width = x.shape.last
    let headWidth = width / heads
    let queries = Heads(projected, offset: 0, count: heads, width: headWidth)
    let keys = Heads(projected, offset: width, count: heads, width: headWidth)
    let values = Heads(projected, offset: 2 * width, count: heads, width: headWidth)
    let attended = queries.attend(keys: keys, values: values, mask: .full, dropout: dropout)
    return attentionOutput(attended).dropout(dropout)
  }
}
