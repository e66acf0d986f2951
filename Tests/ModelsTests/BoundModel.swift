import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// A model with memory for its parameters and gradients, as a trainer would set it up.
final class BoundModel<Model: Module> {
  let model: Model
  let workspace: Workspace
  let store: ParameterStore
  private let valueMemory: FloatMemory
  let gradientMemory: FloatMemory
  var values: UnsafeMutableBufferPointer<Float> { valueMemory.elements }
  var gradient: UnsafeMutableBufferPointer<Float> { gradientMemory.elements }

  init(_ model: Model, seed: UInt64 = 1, threads: Int = 1) {
    self.model = model
    workspace = Workspace(threadCount: threads)
    store = ParameterStore(of: model)
    valueMemory = FloatMemory(count: store.flatCount)
    gradientMemory = FloatMemory(count: store.flatCount)
    store.bind(to: valueMemory, in: workspace)
    store.initialize(values.baseAddress!, seed: seed, in: workspace)
  }

  /// The products of a forward pass.
  func products(of forward: () -> Tensor) -> ForwardProducts {
    workspace.products.listing { workspace.withoutRecording(forward) }.products
  }

  /// A loss, whose gradient then lies in `gradient`.
  func withGradient(_ loss: () -> Tensor) -> Float {
    store.beginGradient(into: gradientMemory)
    let loss = loss()
    loss.backward()
    store.finishGradient()
    return loss.item
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
