import ArgumentParser
import LockstepAudits
import LockstepCommunication
import LockstepFiles
import LockstepPrivacy
import LockstepSettings
import LockstepTensors
import LockstepTraining

/// What is audited by trainings of its own.
struct AuditedConfiguration: ParsableArguments {
  @Argument(help: "A configuration, YAML, a run, or one of its checkpoints.")
  var source: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one key of the configuration.", valueName: "key.path=value"))
  var assignments: [String] = []

  /// - Parameter directory: Where the run's own files are; nil: where it was trained.
  func configuration(directory: String?) throws -> RunConfiguration {
    let path =
      FileSystem.isDirectory(source) ? RunDirectory(path: source).configurationPath : source
    var configuration = try RunConfiguration.load(path: path, overrides: assignments)
    if let directory { configuration.directory = directory }
    return configuration
  }
}

struct AuditEpsilon: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    commandName: "epsilon",
    abstract: "Looks for an epsilon that is larger than the one claimed.",
    discussion: """
      Many small private trainings, half of them with one sample that stands out: how well they are told apart is a \
      lower bound. Exit code 1 where it is above the claim.
      """)

  @OptionGroup var audited: AuditedConfiguration

  @Option(help: "Trainings, with the sample and without it together.")
  var runs = 1000

  @Option(help: "Optimiser steps of each. Default: at most 10, and so few that much can be shown.")
  var steps: Int?

  @Option(help: "The probability with which a step draws each sample.")
  var rate = 0.5

  @Option(help: "Delta at which the claim is tested; it holds for any. Default: privacy.delta.")
  var delta: Double?

  @Option(help: "How likely the bound is to hold.")
  var confidence = 0.95

  @OptionGroup var arguments: AuditArguments

  var key: KeyArguments { arguments.key }

  func validate() throws {
    try Requirement.within(8...10_000_000).check(runs, of: "--runs")
    try PrivacyConfiguration.deltaRange.check(delta, of: "--delta")
    try Requirement.count(from: 1).check(steps, of: "--steps")
    try SubsampledGaussian.rates.check(rate, of: "--rate")
    try Requirement("above 0 and below 1") { 0 < $0 && $0 < 1 }
      .check(confidence, of: "--confidence")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "audit")
    let report = try report(audited.configuration(directory: arguments.directory))
    try StandardOutput.print(report, asJSON: arguments.json)
    if !report.isConsistent { throw CommandExit(code: .failure) }
  }

  func report(_ configuration: RunConfiguration) throws -> EpsilonReport {
    let workspace = Workspace(threadCount: arguments.threadCount, for: configuration.plan)
    var options = EpsilonAudit.Options()
    (options.runs, options.steps, options.rate) = (runs, steps, rate)
    (options.confidence, options.seed) = (confidence, UInt64(arguments.seed))
    options.delta = delta
    let audit = try EpsilonAudit(
      configuration, path: audited.source,
      pool: configuration.samplePool(threads: workspace.threads), options: options)
    var progress = arguments.progress()
    let outcomes = try audit.outcomes(in: workspace) {
      progress.show("epsilon", done: $0, of: runs, unit: .things("trainings"))
    }
    progress.clear()
    return audit.report(outcomes)
  }
}
