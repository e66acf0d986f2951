import LockstepCheckpoints
import LockstepNeuralNetworks
import LockstepTensors

/// A model's parameters in memory of their own, read from a file; freed with this object.
final class LoadedParameters {
  private let values: UnsafeMutableBufferPointer<Float>

  /// Binds a model's parameters and fills them.
  ///
  /// - Parameters:
  ///   - directory: Has `model.safetensors`.
  ///   - workspace: Computes with the model.
  /// - Throws: `CheckpointError`.
  init(of model: any Module, from directory: String, in workspace: Workspace) throws {
    let parameters = ParameterStore(of: model)
    values = .allocate(capacity: parameters.flatCount)
    values.initialize(repeating: 0)
    guard let base = values.baseAddress else { preconditionFailure("a model has parameters") }
    parameters.bind(to: base, in: workspace)
    try parameters.read(
      from: SafetensorsReader(path: directory + "/model.safetensors"), into: base)
  }

  deinit { values.deallocate() }
}
