import LockstepSettings

/// The `privacy` section: training by gradients of single samples, clipped, with noise (DP-SGD).
///
/// M. Abadi et al., "Deep Learning with Differential Privacy", 2016. It is on where `epsilon` or `noise` is
/// given.
public struct PrivacyConfiguration: Configurable {
  /// ε that the run may spend; nil: it is counted only.
  public var epsilon: Double?
  public var delta = 1e-5
  /// σ, the noise's deviation as a multiple of `clip`; nil: as little as `epsilon` allows.
  public var noise: Double?
  /// C, the longest gradient of one sample.
  public var clip = 1.0
  public var accountant = AccountantName.prv
  /// Where the run's secret key is: the configuration has its path and never the key; nil: there is none.
  public var keyFile: String?

  public init() {}

  /// Whether the run is private.
  public var isOn: Bool { epsilon != nil || noise != nil }

  /// Whether the noise follows from the length of the run.
  package var dependsOnLength: Bool { isOn && noise == nil }

  // Conditions of keys that are options of commands, too.
  package static let epsilonRange = Requirement<Double>.within(0.001...1000)
  package static let deltaRange = Requirement<Double>.within(1e-12...0.1)
  package static let noiseRange = Requirement<Double>.within(0.01...1000)

  public static var fields: [Field<Self>] {
    [
      Field(
        "epsilon", \.epsilon, .ifPresent(epsilonRange),
        meaning:
          "ε, how much the parameters may tell of any one sample: the run stops before a step that would "
          + "spend more. `null` with `noise` counts it only. Where both are `null` the run is not private."
      ),
      Field(
        "delta", \.delta, deltaRange,
        meaning:
          "δ, the probability with which ε may be exceeded: below 1 divided by the number of samples."
      ),
      Field(
        "noise", \.noise, .ifPresent(noiseRange),
        meaning:
          "σ: the standard deviation of the noise that is added to a step's sum of gradients, as a multiple of "
          + "`clip`. `null`: the smallest with which all `steps` cost `epsilon`."),
      Field(
        "clip", \.clip, .within(1e-6...1e6),
        meaning:
          "The longest that the gradient of one sample's mean loss may be; longer ones are shortened to it."
      ),
      Field(
        "accountant", \.accountant, meaning: "How ε is computed from the steps taken."),
      Field(
        "key_file", \.keyFile, .ifPresent(.path), decidesResult: false,
        meaning:
          "Where the secret is that noise and samples are drawn with: a file of 32 bytes, or of 64 hexadecimal "
          + "digits, that only its owner may read, outside of the run's directory. `/dev/fd/3` reads what the "
          + "launcher hands over as descriptor 3. A resumed run needs the same key."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    guard isOn else {
      checks.require(
        self == PrivacyConfiguration(), "epsilon",
        "a number, because without epsilon and noise the run is not private and the other keys have no meaning",
        involving: "noise")
      return
    }
    checks.require(
      keyFile != nil, "key_file",
      "the path of a key, which `lockstep key --output PATH` makes: the noise would be no secret without",
      involving: "epsilon", "noise")
  }
}

/// How ε is computed from what the steps add up to.
public enum AccountantName: String, SettingChoice {
  case prv
  case rdp

  public var documentation: String {
    switch self {
    case .prv:
      "The distribution of the privacy loss itself, composed numerically: never too low, and close to exact."
    case .rdp:
      "Rényi differential privacy, converted: simpler, and higher by some percent to tens of percent."
    }
  }
}
