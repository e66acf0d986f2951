// B sequences, T positions, n preferences.

import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// What preferences say that a model should be good at: direct preference optimization (Rafailov et al.,
/// "Direct Preference Optimization: Your Language Model is Secretly a Reward Model", 2023).
///
///     reward(y) = β · (log π(y | prompt) - log π_ref(y | prompt))
///     z = reward(chosen) - reward(rejected)
///     loss = -(1 - ε) log σ(z) - ε log σ(-z)
///
/// The log probability of an answer is the sum over its tokens. ε is the share of preferences that may
/// have been noted the wrong way round (E. Mitchell, "A note on DPO with noisy preferences", 2023).
struct PreferenceObjective {
  /// π_ref, the model as the run began.
  enum Reference {
    /// The model without its adapters.
    case withoutAdapters(AdaptedLayers)
    /// A model of its own.
    case frozen(FrozenModel)
    /// The model itself: nothing was learned yet.
    case itself
  }

  let model: any LanguageModel
  let reference: Reference
  let configuration: PreferenceConfiguration

  /// The summed loss of a batch, with the sums of `metrics` for one that is not learned from.
  func loss(of batch: PreferenceBatch, in workspace: Workspace) -> BatchLoss {
    let expected = FrozenModel.asking(in: workspace) { referenceMargins(batch) }
    let losses = model.losses(of: batch.tokens)
    let pairs = batch.pairs
    let beta = configuration.beta
    let rewards = Tensor.custom([losses], shape: [pairs.count]) { inputs, output in
      for (place, sides) in sums(of: pairs, inputs[0]).enumerated() {
        let gain = (sides.rejected - sides.chosen) - expected[place].margin
        output[place] = Float(beta * gain)
      }
    } backward: { _, gradient, slopes in
      guard let slope = slopes[0] else { return }
      for (pair, own) in zip(pairs, gradient) {
        let step = Float(beta) * own
        for token in pair.chosen { slope[token] = -step }
        for token in pair.rejected { slope[token] = step }
      }
    }
    let certainty = Tensor(
      repeating: Float(1 - configuration.labelSmoothing), shape: [pairs.count], in: workspace)
    return BatchLoss(
      sum: rewards.binaryCrossEntropy(to: certainty), targetCount: pairs.count,
      sums: workspace.isTraining ? [] : measures(losses, expected, rewards, pairs))
  }

  /// -log p of both sides of each preference by the reference.
  private func referenceMargins(_ batch: PreferenceBatch) -> [Sides] {
    let losses: Tensor
    switch reference {
    case .withoutAdapters(let layers):
      losses = layers.settingAdaptersAside { model.losses(of: batch.tokens) }
    case .frozen(let frozen): losses = frozen.model.losses(of: batch.tokens)
    case .itself: losses = model.losses(of: batch.tokens)
    }
    return losses.withElements { sums(of: batch.pairs, $0) }
  }

  // MARK: - Figures of merit

  /// What is measured on held-out preferences beside the loss.
  static let metrics = [
    Metric.accuracy, mean("margin"), mean("chosen_reward"), mean("likelihood_accuracy"),
  ]

  private static func mean(_ key: String) -> Metric {
    Metric(key, sumCount: 1) { loss, sums in sums[0] / Double(max(1, loss.targetCount)) }
  }

  private func measures(
    _ losses: Tensor, _ expected: [Sides], _ margins: Tensor, _ pairs: [PreferenceBatch.Pair]
  ) -> [Double] {
    let found = losses.withElements { sums(of: pairs, $0) }
    let margins = margins.elements.map(Double.init)
    let chosen = zip(expected, found).map { configuration.beta * ($0.chosen - $1.chosen) }
    return [
      Double(margins.count { $0 > 0 }), margins.reduce(0, +), chosen.reduce(0, +),
      Double(found.count { $0.margin > 0 }),
    ]
  }
}

/// -log p of the two answers of a preference.
private struct Sides {
  var chosen: Double
  var rejected: Double

  /// How much likelier the chosen answer is, in nats.
  var margin: Double { rejected - chosen }
}

/// Sums over the tokens of answers, in their order.
///
/// - Parameter losses: Of each token, 0 for those of prompts, [B · T].
private func sums(
  of pairs: [PreferenceBatch.Pair], _ losses: UnsafeBufferPointer<Float>
) -> [Sides] {
  func sum(_ range: Range<Int>) -> Double { range.reduce(0.0) { $0 + Double(losses[$1]) } }
  return pairs.map { Sides(chosen: sum($0.chosen), rejected: sum($0.rejected)) }
}

extension LanguageModel {
  /// -log p of each target of a batch, in nats, [B · T].
  fileprivate func losses(of batch: TokenBatch) -> Tensor {
    let shape: Shape = [batch.sequenceCount, batch.positionCount]
    return losses(
      of: Indices(batch.inputs, shape: shape), targets: Indices(batch.targets, shape: shape),
      documents: PackedDocuments(starts: Indices(batch.documentStarts, shape: shape)))
  }
}
