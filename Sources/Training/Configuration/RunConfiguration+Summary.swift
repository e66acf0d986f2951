extension RunConfiguration {
  /// One line for people: "adamw, learning rate 0.001, cosine after 50 steps of warm-up".
  var optimizerSummary: String {
    let steps = "\(schedule.warmupSteps) step\(schedule.warmupSteps == 1 ? "" : "s")"
    let warmup = schedule.warmupSteps > 0 ? " after \(steps) of warm-up" : ""
    let clip = optimizer.clipNorm > 0 ? ", clipped at norm \(optimizer.clipNorm)" : ""
    return "\(optimizer.method.variantName), learning rate \(optimizer.learningRate), "
      + "\(schedule.shape.variantName)\(warmup)\(clip)"
  }
}
