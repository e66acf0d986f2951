import NeuralNetworks
import Optimization
import Parallelism

extension OptimizerConfiguration {
  /// The optimiser of one rank.
  ///
  /// - Parameters:
  ///   - slice: The rank's elements of the flat parameter buffer.
  ///   - parameters: Say which elements decay.
  ///   - threads: Share an update.
  func optimizer(
    slice: Range<Int>, parameters: ParameterStore, threads: ThreadPool
  ) -> any Optimizer {
    switch method {
    case .adamw(let configuration):
      AdamW(
        slice: slice, decayRanges: parameters.decayRanges,
        hyperparameters: AdamW.Hyperparameters(
          beta1: configuration.betas[0], beta2: configuration.betas[1],
          epsilon: configuration.epsilon, weightDecay: configuration.weightDecay),
        pool: threads)
    case .sgd(let configuration):
      SGD(
        slice: slice, decayRanges: parameters.decayRanges,
        momentum: configuration.momentum, weightDecay: configuration.weightDecay, pool: threads)
    }
  }
}

extension ScheduleConfiguration {
  /// The learning rate over a run.
  ///
  /// - Parameters:
  ///   - learningRate: The highest.
  ///   - steps: Optimiser steps of the whole run.
  func schedule(learningRate: Double, steps: Int) -> any Schedule {
    let decay = min(warmupSteps, steps)...steps
    let shape: any Schedule =
      switch self.shape {
      case .constant: ConstantSchedule(learningRate: learningRate)
      case .linear(let configuration):
        LinearSchedule(
          learningRate: learningRate, finalRatio: configuration.finalRatio, over: decay)
      case .cosine(let configuration):
        CosineSchedule(
          learningRate: learningRate, finalRatio: configuration.finalRatio, over: decay)
      }
    return shape.warmedUp(over: warmupSteps)
  }
}
