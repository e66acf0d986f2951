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
  /// - Returns: The parameters as they were read.
  /// - Throws: `WeightError`.
  @discardableResult
  func bind(
    to source: any WeightSource, names: WeightNames, in workspace: Workspace
  ) throws(WeightError) -> [TensorView] {
    let parameters = ParameterStore(of: self)
    // Before any memory is asked for: a description may claim any size, a file has what it has.
    let assignment = try WeightAssignment(of: parameters.layouts, from: source, names: names)
    let values = FloatMemory(count: parameters.flatCount)
    guard let base = values.elements.baseAddress else {
      preconditionFailure("a model has parameters")
    }
    try parameters.read(
      parameters.entries, assignment, from: source, into: base, threads: workspace.threads)
    parameters.bind(to: values, in: workspace)
    return parameters.views(of: base)
  }
}
