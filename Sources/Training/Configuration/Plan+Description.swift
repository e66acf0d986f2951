import LockstepOptimization
import LockstepReporting

extension Plan {
  /// The learning rate of every step, as far as it is known beforehand: with `schedule.name: plateau`
  /// without the falls, which depend on the evaluations.
  public var schedulePlot: CurvePlot {
    let schedule = schedule.schedule(learningRate: optimizer.learningRate, steps: steps)
    let caution = self.schedule.plateau == nil ? "" : ", as long as evaluations improve"
    return CurvePlot(
      title: "learning rate: \(self.schedule.shape.variantName)\(caution)",
      steps: steps
    ) { schedule.learningRate(step: $0) }
  }

  /// One line for people: "adamw, learning rate 0.001, cosine after 50 steps of warm-up".
  var optimizerSummary: String {
    let steps = "\(schedule.warmupSteps) step\(schedule.warmupSteps == 1 ? "" : "s")"
    let warmup = schedule.warmupSteps > 0 ? " after \(steps) of warm-up" : ""
    let clip = optimizer.clipNorm > 0 ? ", clipped at norm \(optimizer.clipNorm)" : ""
    return "\(optimizer.method.variantName), learning rate \(optimizer.learningRate), "
      + "\(schedule.shape.variantName)\(warmup)\(clip)"
  }
}
