import LockstepDatasets
import LockstepSettings

/// The `loss` section: what a task makes small.
public struct LossConfiguration: Configurable {
  public enum Kind: SettingVariants {
    case standard
    case crossEntropy(CrossEntropyConfiguration)
    case divergence(CrossEntropyConfiguration)
    case binaryCrossEntropy
    case squaredError
    case huber(HuberConfiguration)
    case preference(PreferenceConfiguration)
    case distillation(DistillationConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "standard",
          "The task's own: cross-entropy of classes and tokens, squared error of values.",
          .standard),
        Variant(
          "cross-entropy", "Of the softmax of the outputs, in nats; for classes and tokens.",
          Self.crossEntropy
        ) {
          if case .crossEntropy(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "kl-divergence",
          "Of the right class, smoothed, from the softmax of the outputs (Kullback & Leibler 1951): "
            + "the cross-entropy, less the entropy of the smoothed class; for classification.",
          Self.divergence
        ) {
          if case .divergence(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "binary-cross-entropy",
          "Each class is a question of its own, answered by yes or no; for classification.",
          .binaryCrossEntropy),
        Variant(
          "mean-squared-error", "The mean of the squared errors; for regression.", .squaredError),
        Variant(
          "huber", "Squared near the target, linear far from it (Huber 1964); for regression.",
          Self.huber
        ) {
          if case .huber(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "dpo",
          "Of preferences: how much more the chosen answer has gained over the rejected one than in the "
            + "model that the run began as (Rafailov et al., \"Direct Preference Optimization\", 2023); for "
            + "language models.",
          Self.preference
        ) {
          if case .preference(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "distillation",
          "Cross-entropy, and how far the outputs are from those of a teacher, a larger model (Hinton et al. "
            + "2015); for language models.",
          Self.distillation
        ) {
          if case .distillation(let configuration) = $0 { configuration } else { nil }
        },
      ]
    }
  }

  public var kind = Kind.standard

  public init() {}

  public init(_ kind: Kind) {
    self.kind = kind
  }

  public static var fields: [Field<Self>] {
    [Field("name", choosing: \.kind, meaning: "What is made small.")]
  }
}

/// The keys of `loss.name: cross-entropy` and of `loss.name: kl-divergence`.
public struct CrossEntropyConfiguration: Configurable {
  public var labelSmoothing = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "label_smoothing", \.labelSmoothing, .within(0..<1),
        meaning:
          "Share of the target that all classes, or tokens, have alike, in training (Szegedy et al. "
          + "2016).")
    ]
  }
}

/// The keys of `loss.name: huber`.
public struct HuberConfiguration: Configurable {
  public var delta = 1.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "delta", \.delta, .above(0),
        meaning: "The error at which the loss goes from squared to linear, in the target's unit.")
    ]
  }
}

/// The keys of `loss.name: dpo`.
public struct PreferenceConfiguration: Configurable {
  public var beta = 0.1
  public var labelSmoothing = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "beta", \.beta, .above(0),
        meaning:
          "How dear it is to depart from the model that the run began as: a reward is beta times what the "
          + "log probability of an answer has gained over that model's."),
      Field(
        "label_smoothing", \.labelSmoothing, .within(0..<0.5),
        meaning:
          "How likely it is that a preference was noted the wrong way round (Mitchell 2023, "
          + "\"conservative DPO\")."),
    ]
  }
}

/// The keys of `loss.name: distillation`.
public struct DistillationConfiguration: Configurable {
  /// nil: not given, as it must be.
  public var teacher: String?
  public var temperature = 1.0
  public var weight = 0.5

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "teacher", \.teacher, .ifPresent(.path),
        meaning:
          "The model to learn from: a run, a checkpoint, a directory as `transformers` saves it, or a GGUF "
          + "file; a language model of the same tokens. It must be given."),
      Field(
        "temperature", \.temperature, .above(0),
        meaning:
          "What the logits of both are divided by before they are compared: above 1, unlikely tokens count "
          + "for more."),
      Field(
        "weight", \.weight, .within(0...1),
        meaning: "The share of the loss that the teacher has; the rest is cross-entropy."),
    ]
  }
}

extension LossConfiguration.Kind {
  /// The share of the target that all classes or tokens have alike, in training.
  var labelSmoothing: Double {
    switch self {
    case .crossEntropy(let own), .divergence(let own): own.labelSmoothing
    case .standard, .binaryCrossEntropy, .squaredError, .huber, .preference, .distillation: 0
    }
  }

  /// Whether a task can have this loss.
  func suits(_ task: TaskName) -> Bool {
    switch self {
    case .standard: true
    case .crossEntropy: task != .regression
    case .divergence, .binaryCrossEntropy: task == .classification
    case .squaredError, .huber: task == .regression
    case .preference, .distillation: task == .languageModeling
    }
  }

  /// The same loss with another path in the place of each.
  func mappingPath(_ change: (String) -> String) -> Self {
    guard case .distillation(var distillation) = self else { return self }
    distillation.teacher = distillation.teacher.map(change)
    return .distillation(distillation)
  }

  /// The keys of distillation; nil for other losses.
  var distillation: DistillationConfiguration? {
    if case .distillation(let distillation) = self { distillation } else { nil }
  }

  /// The keys of preferences; nil for other losses.
  var preference: PreferenceConfiguration? {
    if case .preference(let preference) = self { preference } else { nil }
  }
}

extension LossConfiguration {
  /// What a predictor is to be good at.
  ///
  /// - Parameters:
  ///   - description: Of the samples learned from. Classes need a loss for them, values likewise.
  ///   - topK: k of the top-k accuracy; not measured where it is no more than 1, or no fewer than there
  ///     are classes.
  func objective(for description: SampleDescription, topK: Int) -> any Objective {
    let task: TaskName = description.classes == nil ? .regression : .classification
    precondition(kind.suits(task), "loss \(kind.variantName) is not one for \(task.rawValue)")
    guard let classes = description.classes else {
      let loss: RegressionObjective.Loss =
        if case .huber(let huber) = kind { .huber(delta: huber.delta) } else { .squaredError }
      return RegressionObjective(loss: loss, targetMean: description.targetMean)
    }
    return objective(forClasses: classes.count, topK: topK)
  }

  /// What a model that gives scores of classes is to be good at.
  ///
  /// - Parameters:
  ///   - classCount: C.
  ///   - topK: As of `objective(for:topK:)`.
  func objective(forClasses classCount: Int, topK: Int) -> any Objective {
    let smoothing = kind.labelSmoothing
    let ownLoss: ClassificationObjective.Loss =
      switch kind {
      case .divergence: .divergence(labelSmoothing: smoothing)
      case .binaryCrossEntropy: .binaryCrossEntropy
      case .standard, .crossEntropy, .squaredError, .huber, .preference, .distillation:
        .crossEntropy(labelSmoothing: smoothing)
      }
    return ClassificationObjective(
      loss: ownLoss, classCount: classCount,
      topK: topK < classCount && topK > 1 ? topK : nil)
  }
}
