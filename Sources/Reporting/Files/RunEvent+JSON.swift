extension StepRecord {
  /// Adds the members that `metrics.jsonl` has for a step.
  func add(to object: inout JSONObject) {
    object.add("step", step)
    object.add("loss", loss)
    object.add("gradient_norm", gradientNorm)
    object.add("learning_rate", learningRate)
    object.add("tokens", tokens)
    object.add("seconds", seconds)
    object.add("tokens_per_second", tokensPerSecond)
    if let epsilon { object.add("epsilon", epsilon) }
    if let clients { object.add("clients", clients) }
  }
}

extension EvaluationRecord {
  /// Adds the members that `metrics.jsonl` has for an evaluation.
  func add(to object: inout JSONObject) {
    object.add("step", step)
    object.add("validation_loss", loss)
    for metric in metrics { object.add(metric.key, metric.value) }
    object.add("validation_tokens", tokens)
    object.add("evaluation_seconds", seconds)
    if let weights { object.add("weights", weights) }
  }
}

extension RanksRecord {
  /// Adds the members that `metrics.jsonl` has for the ranks' times.
  func add(to object: inout JSONObject) {
    object.add("step", step)
    object.add(
      "ranks",
      ranks.map { rank in
        var object = JSONObject()
        object.add("forward_seconds", rank.forwardSeconds)
        object.add("backward_seconds", rank.backwardSeconds)
        object.add("reduction_seconds", rank.reductionSeconds)
        object.add("waiting_seconds", rank.waitingSeconds)
        object.add("optimizer_seconds", rank.optimizerSeconds)
        object.add("resident_bytes", rank.residentBytes)
        return object
      })
  }
}

extension SamplesRecord {
  /// Adds the members that `metrics.jsonl` has for samples.
  func add(to object: inout JSONObject) {
    object.add("step", step)
    object.add(
      "samples",
      samples.map { sample in
        var object = JSONObject()
        object.add(sample.kind.rawValue, sample.input)
        object.add("text", sample.text)
        if let reference = sample.reference { object.add("reference", reference) }
        if let image = sample.image { object.add("image", image.dataURL) }
        return object
      })
  }
}

extension PrivacySummary {
  /// Adds the members that `summary.json` has for a private run.
  fileprivate func add(to object: inout JSONObject) {
    object.add("epsilon", epsilon)
    object.add("delta", delta)
    object.add("noise", noise)
    object.add("clip", clip)
    object.add("accountant", accountant)
    object.add("sampling_rate", samplingRate)
    object.add("samples", samples)
    object.add("unit", unit)
    object.add("key_fingerprint", keyFingerprint)
  }
}

extension RunSummary {
  /// Adds the members of `summary.json`.
  func add(to object: inout JSONObject) {
    object.add("steps", steps)
    object.add("tokens", tokens)
    object.add("loss", loss)
    object.add("validation_loss", validationLoss)
    for metric in metrics { object.add(metric.key, metric.value) }
    object.add("parameters_sha256", parametersSHA256)
    object.add("tokens_per_second", tokensPerSecond)
    object.add("gflops", gigaflops)
    object.add("peak_gflops", peakGigaflops)
    object.add("peak_share", peakShare)
    object.add("seconds", seconds)
    object.add("ranks", ranks)
    object.add("threads", threads)
    object.add("parameters", parameters)
    if let formula { object.add("formula", formula) }
    if let weights { object.add("weights", weights) }
    if let privacy {
      var members = JSONObject()
      privacy.add(to: &members)
      object.add("privacy", members)
    }
    if let provenance {
      var program = JSONObject()
      program.add("version", provenance.version)
      program.add("compiler", provenance.compiler)
      program.add("processor_level", provenance.processorLevel)
      object.add("lockstep", program)
    }
  }
}

extension RunOverview {
  /// Adds the members of the `started` event.
  func add(to object: inout JSONObject) {
    object.add("mode", mode)
    object.add("ranks", ranks)
    object.add("threads", threads)
    object.add("parameters", parameterCount)
    object.add("steps", steps)
    if let runDirectory { object.add("run", runDirectory) }
    if let resumedStep { object.add("resumed_step", resumedStep) }
    object.add(
      "skipped",
      skipped.map { checkpoint in
        var object = JSONObject()
        object.add("path", checkpoint.path)
        object.add("reason", checkpoint.reason)
        return object
      })
    var summary = JSONObject()
    for line in lines { summary.add(line.label, line.text) }
    object.add("summary", summary)
  }
}

extension RunEvent {
  /// The event as an object whose first member, `event`, tells which it is.
  var object: JSONObject {
    var object = JSONObject()
    object.add("event", name)
    switch self {
    case .started(let overview): overview.add(to: &object)
    case .step(let record): record.add(to: &object)
    case .evaluation(let record): record.add(to: &object)
    case .ranks(let record): record.add(to: &object)
    case .samples(let record): record.add(to: &object)
    case .distributions(let record):
      object.add("step", record.step)
      object.add("kind", record.kind.rawValue)
    case .checkpoint(let record):
      object.add("step", record.step)
      object.add("path", record.path)
      object.add("seconds", record.seconds)
    case .notice(let text): object.add("text", text)
    case .stopped(let signal, let step):
      object.add("signal", signal)
      object.add("step", step)
    case .finished(let summary): summary.add(to: &object)
    }
    return object
  }

  private var name: String {
    switch self {
    case .started: "started"
    case .step: "step"
    case .evaluation: "evaluation"
    case .ranks: "ranks"
    case .samples: "samples"
    case .distributions: "distributions"
    case .checkpoint: "checkpoint"
    case .notice: "notice"
    case .stopped: "stopped"
    case .finished: "finished"
    }
  }
}
