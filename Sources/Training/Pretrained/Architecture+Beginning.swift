import LockstepModels
import LockstepNeuralNetworks
import LockstepWeights

extension Architecture {
  /// What the names of weights mean that a module of this architecture begins with, or stands on: with a head for
  /// classes those of another head are none of its parameters.
  func beginningNames(of module: any Module) -> WeightNames {
    guard module is any TextClassifier, let classifying = self as? any ClassifyingArchitecture
    else { return weightNames }
    return classifying.beginningWeightNames
  }
}
