import LockstepNeuralNetworks
import LockstepTraining

/// Which model an explanation is about.
public struct ExplainedModel: Codable, Sendable, Equatable {
  /// What the user named: a run, a checkpoint or a directory.
  public let source: String
  /// The directory that was read.
  public let checkpoint: String
  /// One line about the architecture.
  public let summary: String
  /// How many numbers were learned.
  public let parameters: Int
  /// Optimiser steps taken; nil where that is not known.
  public let step: Int?
  /// Of the checkpoint; nil where it was not Lockstep that saved it.
  public let parametersSHA256: String?

  enum CodingKeys: String, CodingKey {
    case source, checkpoint, summary, parameters, step
    case parametersSHA256 = "parameters_sha256"
  }

  init(_ trained: TrainedModel) {
    source = trained.source
    checkpoint = trained.path
    summary = trained.summary
    step = trained.step
    parameters = ParameterStore(of: trained.model.module).parameterCount
    parametersSHA256 = trained.parametersSHA256
  }
}
