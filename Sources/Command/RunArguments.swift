import ArgumentParser
import LockstepReporting
import LockstepTraining

/// What is told of a run besides its configuration.
struct RunArguments: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one key of the configuration.", valueName: "key.path=value"))
  private var assignments: [String] = []

  @Option(help: "The run's directory. Default: runs/ and the configuration's name.")
  private var output: String?

  @Option(help: "Optimiser steps of the whole run; the same as --set steps=N.")
  private var steps: Int?

  @Flag(help: "Print nothing but errors.")
  var quiet = false

  @Flag(help: "Print one JSON object for each event instead of text.")
  var json = false

  func validate() throws {
    guard !(quiet && json) else { throw ValidationError("--quiet and --json exclude each other") }
  }

  /// `key.path=value`, in the order in which they hold.
  var overrides: [String] { assignments + (steps.map { ["steps=\($0)"] } ?? []) }

  /// The run's directory.
  ///
  /// - Parameter configuration: The path of the configuration.
  func directory(for configuration: String) -> String {
    output ?? RunDirectory.defaultPath(for: configuration)
  }
}
