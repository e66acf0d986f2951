import LockstepSettings
import LockstepTraining

/// The lines of the message that a configuration is refused with; empty if it is accepted.
func problems(
  _ yaml: String, overrides: [String] = [], ranks: Int? = nil
) -> [String] {
  do throws(ConfigurationError) {
    _ = try RunConfiguration.parse(
      yaml: yaml, source: "run.yaml", overrides: overrides, ranks: ranks)
    return []
  } catch {
    return error.violations.map(\.description)
  }
}
