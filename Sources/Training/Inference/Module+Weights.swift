import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights

extension Module {
  /// Gives the parameters memory of their own and fills it.
  ///
  /// - Parameters:
  ///   - source: Has all of them.
  ///   - names: What its names mean.
  ///   - workspace: Computes with the model.
  /// - Throws: `WeightError`.
  func bind(
    to source: any WeightSource, names: WeightNames, in workspace: Workspace
  ) throws(WeightError) {
    let parameters = ParameterStore(of: self)
    let values = FloatMemory(count: parameters.flatCount)
    guard let base = values.elements.baseAddress else {
      preconditionFailure("a model has parameters")
    }
    try parameters.read(from: source, names: names, into: base)
    parameters.bind(to: values, in: workspace)
  }
}
