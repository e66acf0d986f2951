import LockstepOptimization
import LockstepReporting
import LockstepSettings

extension Plan {
  /// The learning rate of every step, as far as it is known beforehand: with `schedule.name: plateau`
  /// without the falls, which depend on the evaluations.
  ///
  /// - Throws: `ConfigurationError` where the rate grows beyond all numbers.
  public var schedulePlot: CurvePlot {
    get throws(ConfigurationError) {
      let schedule = schedule.schedule(learningRate: optimizer.learningRate, steps: steps)
      let caution = self.schedule.plateau == nil ? "" : ", as long as evaluations improve"
      let name = self.schedule.shape.variantName
      let plot = CurvePlot(title: "learning rate: \(name)\(caution)", steps: steps) {
        schedule.learningRate(step: $0)
      }
      guard let plot else {
        throw ConfigurationError(violations: [
          Violation(
            .wrongValue(
              found: name,
              expected:
                "a learning rate that is finite at each of the \(steps) steps; this one grows "
                + "beyond all numbers: choose a smaller decay, or fewer steps"),
            at: SettingPath(description: "schedule"), origin: nil)
        ])
      }
      return plot
    }
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
