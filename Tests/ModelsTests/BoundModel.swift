import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// A model with memory for its parameters and gradients, as a trainer would set it up.
final class BoundModel<Model: Module> {
  let model: Model
  let workspace: Workspace
  let store: ParameterStore
  let values: UnsafeMutableBufferPointer<Float>
  let gradient: UnsafeMutableBufferPointer<Float>

  init(_ model: Model, seed: UInt64 = 1, threads: Int = 1) {
    self.model = model
    workspace = Workspace(threadCount: threads)
    store = ParameterStore(of: model)
    values = .allocate(capacity: store.flatCount)
    values.initialize(repeating: 0)
    gradient = .allocate(capacity: store.flatCount)
    gradient.initialize(repeating: 0)
    store.bind(to: values.baseAddress!, in: workspace)
    store.initialize(values.baseAddress!, seed: seed, in: workspace)
  }

  /// A loss, whose gradient then lies in `gradient`.
  func withGradient(_ loss: () -> Tensor) -> Float {
    store.beginGradient(into: gradient.baseAddress!)
    let loss = loss()
    loss.backward()
    store.finishGradient()
    return loss.item
  }

  deinit {
    values.deallocate()
    gradient.deallocate()
  }
}

extension BoundModel where Model: LanguageModel {
  /// The summed loss of a batch, whose gradient then lies in `gradient`.
  func lossAndGradient(_ tokens: Indices, _ targets: Indices) -> Float {
    withGradient { model.loss(of: tokens, targets: targets) }
  }
}

extension GPTConfiguration {
  static func small(
    layers: Int = 2, heads: Int = 4, width: Int = 32, context: Int = 24, dropout: Double = 0,
    recompute: Bool = false
  ) -> GPTConfiguration {
    var configuration = GPTConfiguration()
    configuration.layers = layers
    configuration.heads = heads
    configuration.width = width
    configuration.context = context
    configuration.dropout = dropout
    configuration.recompute = recompute
    return configuration
  }
}
