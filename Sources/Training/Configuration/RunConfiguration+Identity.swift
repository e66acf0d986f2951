import LockstepReporting
import LockstepSettings

/// A key whose value decides a run's parameters, and that two configurations disagree on.
public struct ConfigurationDifference: Sendable, Equatable {
  /// `optimizer.learning_rate`.
  public let key: String
  /// Values as YAML; `absent` where the key does not exist in that configuration.
  public let stored: String
  public let requested: String
}

extension RunConfiguration {
  /// The keys that decide a run's parameters, bit for bit, with their values: one `key: value` a
  /// line, in the order of the documentation. Two runs on the same data files end with the same
  /// parameters if, and as far as anyone can promise only if, this is equal.
  ///
  /// How often a run is saved is not part of it, nor is the number of threads; how often it is
  /// evaluated, and on what, is part of it where the schedule or an early stop go by evaluations. `steps` is part
  /// of it where the learning rate depends on how many steps there will be.
  public var identity: String {
    decisiveSettings.map { "\($0.key): \($0.value)\n" }.joined()
  }

  /// The keys on which this configuration and that of a stored run disagree, and which would make
  /// it another run.
  public func differences(from stored: RunConfiguration) -> [ConfigurationDifference] {
    Self.differences(decisiveSettings, from: stored.decisiveSettings)
  }

  private static func differences(
    _ requestedSettings: [(key: String, value: String)],
    from storedSettings: [(key: String, value: String)]
  ) -> [ConfigurationDifference] {
    let keys =
      requestedSettings.map(\.key)
      + storedSettings.map(\.key).filter { key in !requestedSettings.contains { $0.key == key } }
    return keys.compactMap { key in
      let requested = requestedSettings.first { $0.key == key }?.value ?? "absent"
      let stored = storedSettings.first { $0.key == key }?.value ?? "absent"
      guard requested != stored else { return nil }
      return ConfigurationDifference(key: key, stored: stored, requested: requested)
    }
  }

  /// Refuses to go on with a stored run under a configuration that would make it another one.
  ///
  /// - Parameters:
  ///   - stored: The configuration that the run directory holds.
  ///   - source: What messages call it: `runs/kjv/config.yaml`.
  /// - Throws: `ConfigurationError` with every key that differs.
  public func requireSameRun(
    as stored: RunConfiguration, storedIn source: String
  ) throws(ConfigurationError) {
    try Self.requireNone(of: differences(from: stored), storedIn: source)
  }

  /// Refuses to compare a stored run with one of this configuration, unless both are of one length and measured
  /// on the same data.
  ///
  /// - Parameters:
  ///   - stored: The configuration that the run directory holds.
  ///   - source: What messages call it.
  /// - Throws: `ConfigurationError` with every key that differs.
  package func requireComparableRun(
    with stored: RunConfiguration, storedIn source: String
  ) throws(ConfigurationError) {
    let settings = [self, stored].map {
      $0.plan.decisive(in: $0, ofAnyLength: true, andMeasured: true)
    }
    try Self.requireNone(of: Self.differences(settings[0], from: settings[1]), storedIn: source)
  }

  private static func requireNone(
    of differences: [ConfigurationDifference], storedIn source: String
  ) throws(ConfigurationError) {
    let violations = differences.map { difference in
      Violation(
        .differs(stored: difference.stored, requested: difference.requested),
        at: SettingPath(description: difference.key), origin: SettingOrigin(source: source))
    }
    if !violations.isEmpty { throw ConfigurationError(violations: violations) }
  }

  /// The keys that decide a run's parameters, for tools that compare runs: those that people tune, and of the
  /// others those that are not as they would be without being named.
  package var hyperparameters: [Hyperparameter] {
    let defaults = Set(
      RunConfiguration().plan.decisive(in: RunConfiguration(), ofAnyLength: true).map {
        "\($0.key): \($0.value)"
      })
    let tuned = ["seed", "steps", "batch", "optimizer", "schedule", "precision", "model"]
    return plan.decisive(in: self, ofAnyLength: true).filter { key, value in
      tuned.contains(String(key.prefix { $0 != "." })) || !defaults.contains("\(key): \(value)")
    }.map { key, value in
      switch value {
      case "true": Hyperparameter(key, .flag(true))
      case "false": Hyperparameter(key, .flag(false))
      default: Hyperparameter(key, Double(value).map { .number($0) } ?? .text(value))
      }
    }
  }

  private var decisiveSettings: [(key: String, value: String)] { plan.decisive(in: self) }
}

extension Plan {
  /// What of the plan decides a run's parameters: the identity of a run whose task was made in code.
  var identity: String { decisive(in: self).map { "\($0.key): \($0.value)\n" }.joined() }

  /// The keys that decide the parameters of a run by this plan.
  ///
  /// - Parameters:
  ///   - settings: The plan, or the configuration that it is part of.
  ///   - isOfAnyLength: Whether `steps` is among them even where they decide no step before the last.
  ///   - isMeasured: Whether those are among them that decide what is measured, and when.
  fileprivate func decisive(
    in settings: some Configurable, ofAnyLength isOfAnyLength: Bool = false,
    andMeasured isMeasured: Bool = false
  ) -> [(key: String, value: String)] {
    // A run that goes by its evaluations is decided by them, too.
    let watching =
      needsEvaluations || isMeasured
      ? [
        "evaluate", "validation", "validation_labels", "validation_source", "validation_target",
      ] : []
    return settings.settings { $0.decidesResult || watching.contains($0.key) }
      .map { (key: $0.path, value: YAMLWriter.inline($0.value)) }
      .filter {
        isOfAnyLength || schedule.shape.dependsOnLength || privacy.dependsOnLength
          || $0.key != "steps"
      }
  }
}
