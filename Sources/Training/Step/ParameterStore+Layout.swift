import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization

extension ParameterStore {
  /// The table of the parameters that are trained, as optimisers see it.
  ///
  /// - Parameters:
  ///   - configuration: Says which parameters are treated unlike the others.
  ///   - partition: Which part of the flat buffer each rank updates.
  /// - Throws: `ParameterPatternError` for a group's pattern that matches nothing.
  func layout(
    _ configuration: OptimizerConfiguration, partition: SlicePartition, rank: Int
  ) throws -> ParameterLayout {
    let tensors = entries.map {
      // What is not trained may be kept compactly; here only its name and shape count.
      let start = $0.range.lowerBound
      return OptimizedTensor(
        name: $0.name, shape: $0.shape.dimensions, range: start..<start + $0.shape.count,
        decays: $0.decays)
    }
    // A pattern may match what is not trained alone: that is no mistake in the pattern.
    let rated = try configuration.groups.applied(to: tensors)
      .decayed(perLayer: configuration.layerDecay)
    let grouped = zip(rated, entries).filter { $1.isTrained }
    return ParameterLayout(
      tensors: grouped.map(\.0), elementCount: trainedCount,
      parts: (0..<partition.size).map(partition.parts(of:)), rank: rank)
  }
}
