import LockstepTensors

/// A task that can be asked for the loss of any of its training samples: what a private run needs, which draws
/// them itself, one by one, and clips the gradient of each.
///
/// A sample is what privacy is promised for. No two samples may be made of the same piece of data, and what one
/// comes to may not depend on which others are there.
public protocol SampledTask: TrainingTask {
  /// n, how many training samples there are.
  var sampleCount: Int { get }

  /// What a sample is, in words: "image", "window of 129 tokens".
  var sampleUnit: String { get }

  /// The class of each training sample; nil: samples have none. Default: nil.
  var sampleClasses: [Int32]? { get }

  /// Whether each sample has exactly one target, as a class or a value is. Then their gradients may be told apart in
  /// a pass over several; of samples with other numbers of targets they are computed one by one, which is right for
  /// all. Default: false.
  ///
  /// The loss of so many samples must then have as many targets.
  var hasOneTargetEach: Bool { get }

  /// The summed loss of some training samples.
  ///
  /// - Parameters:
  ///   - samples: At least one, each in 0 ..< n.
  ///   - step: Optimiser steps taken before, from 0: a sample may be changed otherwise at every step.
  ///   - workspace: As of `loss(step:microbatch:in:)`.
  func loss(ofSamples samples: ArraySlice<Int>, step: Int, in workspace: Workspace) throws
    -> BatchLoss
}

extension SampledTask {
  public var sampleClasses: [Int32]? { nil }
  public var hasOneTargetEach: Bool { false }
}
