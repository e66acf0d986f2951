// B sequences, T positions, D width, V vocabulary, C outputs.

import LockstepNeuralNetworks
import LockstepTensors

/// A network of blocks that add to the same states, so that the states after any block can be read
/// as if it were the last ("logit lens", nostalgebraist, 2020).
///
/// It shows its states [B, T, D] to an `ActivationObserver` as "embedding" and, for each block,
/// "block 0 output"; attention as "block 0 attention". Where something is added to the vectors of the
/// tokens, it shows these before as "token embedding". A decoder that reads a source, too, says
/// "target embedding", "target token embedding" and "decoder block 0" instead; of the source's encoder
/// there are "source token embedding" and "encoder block 0", and "decoder block 0 cross-attention"
/// looks from the target to the source.
public protocol LayeredModel: Module {
  /// What the model would give if these were its last block's states: final norm and head.
  ///
  /// - Parameter states: [B, T, D].
  /// - Returns: [B, T, V] of a language model, masked or not, [B, C] of a predictor.
  func readout(of states: Tensor) -> Tensor
}
