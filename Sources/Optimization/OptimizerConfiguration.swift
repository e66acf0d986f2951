import LockstepSettings

/// The `optimizer` section: a method with its own keys, and what every method has.
public struct OptimizerConfiguration: Configurable {
  public var method: Method = .adamw(AdamW())
  /// The highest rate of the schedule.
  public var learningRate = 1e-3
  /// What is done to the gradient before the method sees it.
  public var clipping = ClippingConfiguration()
  /// Times the sign of each weight, added to its gradient.
  public var l1 = 0.0
  /// Standard deviations from the mean at which a step is skipped; 0 skips none.
  public var skipAbove = 0.0
  /// N of the running mean and deviation, which a step enters with a weight of 1/N.
  public var skipWindow = 100
  /// Factor on the learning rate from each block to the one before it.
  public var layerDecay = 1.0
  public var groups: [ParameterGroup] = []

  public init() {}

  /// The largest norm of the gradient, averaged over targets, that is not scaled down; 0 never
  /// scales.
  public var clipNorm: Double {
    get { clipping.norm }
    set { clipping.norm = newValue }
  }

  public static var fields: [Field<Self>] {
    [
      Field("name", choosing: \.method, meaning: "The update rule."),
      Field(
        "learning_rate", \.learningRate, .atLeast(0),
        meaning: "Size of an update, at the highest point of the schedule."),
      Field(
        "clip_norm", \.clipping.norm, .atLeast(0),
        meaning:
          "Largest norm of the whole gradient (of the mean loss); a longer one is scaled down to it. "
          + "`0` never scales."),
      Field(
        "clip_value", \.clipping.value, .atLeast(0),
        meaning:
          "Largest size of an element of the gradient, after `clip_norm`; larger ones are set to it. "
          + "`0` sets none."),
      Field(
        "clip_adaptive", \.clipping.adaptive, .atLeast(0),
        meaning:
          "Largest norm of the gradient of a matrix's row or of a vector, as a share of the norm of "
          + "its weights; a longer one is scaled down (Brock et al. 2021). A row is one as stored: "
          + "the weights of an output, but in `gpt`, whose linear layers are stored "
          + "[inputs, outputs], those of an input. `0` never scales."),
      Field(
        "l1", \.l1, .atLeast(0),
        meaning: "Times the sign of the weight, added to its gradient (L1); matrices only."),
      Field(
        "skip_above", \.skipAbove, .atLeast(0),
        meaning:
          "A step whose loss or gradient norm lies this many standard deviations above the mean of "
          + "the steps before changes nothing. `0` skips none."),
      Field(
        "skip_window", \.skipWindow, .count(from: 2),
        meaning:
          "N of that mean and deviation, which are running ones: a step enters them with a weight "
          + "of 1/N. The first N steps have equal weights and are never skipped."),
      Field(
        "layer_decay", \.layerDecay, .within(0...1),
        meaning:
          "Factor on the learning rate from each block to the one before it, so that what is near the "
          + "input changes less: the last of L blocks has `layer_decay`, the first that to the power of L, "
          + "the embeddings to the power of L + 1, the head 1 (Clark et al. 2020). `1` treats all alike, and is "
          + "the only one for `transformer`, `mlp`, `linear` and `sine`, which are not one stack of blocks."
      ),
      Field(
        "groups", \.groups,
        meaning:
          "Parameters with a learning rate or weight decay of their own; each parameter belongs to "
          + "the first group whose pattern matches its name."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    guard case .lbfgs = method else { return }
    checks.require(
      clipping == .none, "clip_norm",
      "0, as clip_value and clip_adaptive, because lbfgs compares whole gradients of one step and "
        + "the next", involving: "clip_value", "clip_adaptive", "name")
    checks.require(
      layerDecay == 1, "layer_decay",
      "1, because lbfgs moves along one direction of all parameters", involving: "name")
    checks.require(
      groups.allSatisfy { $0.rate == 1 }, "groups",
      "no rate but 1, because lbfgs moves along one direction of all parameters",
      involving: "name")
  }
}

/// How the gradient is clipped; 0 turns each way off.
public struct ClippingConfiguration: Equatable, Sendable {
  public var norm = 1.0
  public var value = 0.0
  public var adaptive = 0.0

  public init(norm: Double = 1, value: Double = 0, adaptive: Double = 0) {
    self.norm = norm
    self.value = value
    self.adaptive = adaptive
  }

  static let none = ClippingConfiguration(norm: 0)
}

extension OptimizerConfiguration {
  /// The methods, each with its keys.
  public enum Method: SettingVariants {
    case adamw(AdamW)
    case sgd(SGD)
    case adagrad(Adagrad)
    case rmsprop(RMSprop)
    case adadelta(Adadelta)
    case adam(Adam)
    case adamax(Adamax)
    case nadam(NAdam)
    case radam(RAdam)
    case lamb(LAMB)
    case lion(Lion)
    case adafactor(Adafactor)
    case muon(Muon)
    case shampoo(Shampoo)
    case lbfgs(LBFGS)

    public static var variants: [Variant<Self>] {
      [
        variant("adamw", "Adam with decoupled weight decay (Loshchilov & Hutter 2019).", adamw),
        variant(
          "sgd",
          "Stochastic gradient descent, with momentum (Polyak, Nesterov) if asked for; batch "
            + "gradient descent where a step takes in all data.", sgd),
        variant(
          "adagrad", "Divides by the root of all squares so far (Duchi et al. 2011).", adagrad),
        variant(
          "rmsprop", "Divides by the root of the running mean square (Hinton 2012).", rmsprop),
        variant("adadelta", "Steps relative to the last steps' size (Zeiler 2012).", adadelta),
        variant(
          "adam", "RMSprop with momentum, corrected for its start (Kingma & Ba 2015).", adam),
        variant(
          "adamax", "Adam with the largest recent gradient for a size (Kingma & Ba 2015).", adamax),
        variant("nadam", "Adam with Nesterov's momentum (Dozat 2016).", nadam),
        variant(
          "radam", "Adam that begins as momentum and needs no warm-up (Liu et al. 2020).", radam),
        variant(
          "lamb", "Adam in steps relative to each tensor's norm (You et al. 2020).", lamb),
        variant("lion", "The sign of the momentum (Chen et al. 2023).", lion),
        variant(
          "adafactor", "Mean squares as a row and a column (Shazeer & Stern 2018).", adafactor),
        variant(
          "muon", "Orthogonalised momentum for matrices (Jordan et al. 2024), AdamW for the rest.",
          muon),
        variant(
          "shampoo",
          "Second-order for matrices: roots of the gradients' products (Gupta et al. 2018), AdamW "
            + "for the rest.", shampoo),
        variant(
          "lbfgs", "Quasi-Newton for full batches, without line search (Nocedal 1980).", lbfgs),
      ]
    }

    private static func variant<Rule: OptimizerMethod & Configurable>(
      _ name: String, _ documentation: String, _ embed: @escaping (Rule) -> Self
    ) -> Variant<Self> {
      Variant(name, documentation, embed) { $0.rule as? Rule }
    }

    /// The method.
    public var rule: any OptimizerMethod {
      switch self {
      case .adamw(let rule): rule
      case .sgd(let rule): rule
      case .adagrad(let rule): rule
      case .rmsprop(let rule): rule
      case .adadelta(let rule): rule
      case .adam(let rule): rule
      case .adamax(let rule): rule
      case .nadam(let rule): rule
      case .radam(let rule): rule
      case .lamb(let rule): rule
      case .lion(let rule): rule
      case .adafactor(let rule): rule
      case .muon(let rule): rule
      case .shampoo(let rule): rule
      case .lbfgs(let rule): rule
      }
    }
  }
}
