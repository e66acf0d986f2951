import LockstepOptimization
import LockstepReporting

extension RunConfiguration {
  /// The learning rate of every step, as far as it is known beforehand: with `schedule.name: plateau`
  /// without the falls, which depend on the evaluations.
  public var schedulePlot: CurvePlot {
    let schedule = schedule.schedule(learningRate: optimizer.learningRate, steps: steps)
    let caution = self.schedule.plateau == nil ? "" : ", as long as evaluations improve"
    return CurvePlot(
      title: "learning rate: \(self.schedule.shape.variantName)\(caution)",
      values: (1...steps).map { schedule.learningRate(step: $0) })
  }
}
