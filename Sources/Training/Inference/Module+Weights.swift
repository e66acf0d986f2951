import LockstepFiles
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
  /// - Throws: `WeightError`, with `.noMemory` where the host has too little.
  @discardableResult
  func bind(
    to source: any WeightSource, names: WeightNames, in workspace: Workspace
  ) throws(WeightError) -> [TensorView] {
    let parameters = ParameterStore(of: self)
    // Before any memory is asked for: a description may claim any size, a file has what it has.
    let assignment = try WeightAssignment(of: parameters.layouts, from: source, names: names)
    let values = try FloatMemory.forParameters(parameters.flatCount, of: source.path)
    guard let base = values.elements.baseAddress else {
      preconditionFailure("a model has parameters")
    }
    try parameters.read(
      parameters.entries, assignment, from: source, into: base, threads: workspace.threads)
    parameters.bind(to: values, in: workspace)
    return parameters.views(of: base)
  }
}

extension FloatMemory {
  /// Memory for the parameters of a model that is read.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - path: Of the model, for errors.
  /// - Throws: `WeightError.noMemory`.
  static func forParameters(
    _ count: Int, of path: String
  ) throws(WeightError) -> FloatMemory {
    let (bytes, available) = (count * MemoryLayout<Float>.stride, MemoryRoom.available)
    if let available, bytes > available {
      throw .noMemory(path: path, bytes: bytes, available: available)
    }
    guard let memory = FloatMemory(ifThereIs: count) else {
      throw .noMemory(path: path, bytes: bytes, available: nil)
    }
    return memory
  }
}
