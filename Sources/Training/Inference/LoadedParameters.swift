import LockstepCheckpoints
import LockstepNeuralNetworks
import LockstepTensors

/// A model's parameters in memory of their own, read from a file.
struct LoadedParameters {
  /// Binds a model's parameters and fills them.
  ///
  /// - Parameters:
  ///   - directory: Has `model.safetensors`.
  ///   - workspace: Computes with the model.
  /// - Throws: `CheckpointError`.
  init(of model: any Module, from directory: String, in workspace: Workspace) throws {
    let parameters = ParameterStore(of: model)
    let values = FloatMemory(count: parameters.flatCount)
    guard let base = values.elements.baseAddress else {
      preconditionFailure("a model has parameters")
    }
    parameters.bind(to: values, in: workspace)
    try parameters.read(
      from: SafetensorsReader(path: directory + "/model.safetensors"), into: base)
  }
}
