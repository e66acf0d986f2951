import ArgumentParser
import LockstepAudits
import LockstepCommunication
import LockstepSettings
import LockstepTensors
import LockstepTraining

/// `lockstep audit`: what a model tells of its data, and whether a claim of privacy holds.
struct Audit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Finds out what a model tells of its data, and tests what is claimed of its privacy.",
    discussion: """
      lockstep audit RUN does all that is possible for the run. What each part shows, and what it does not, is in \
      docs/audit.md.
      """,
    subcommands: [AuditRun.self, AuditMembership.self, AuditCanaries.self, AuditEpsilon.self],
    defaultSubcommand: AuditRun.self)
}

/// What all parts of an audit are told.
struct AuditArguments: ParsableArguments {
  @Option(help: "Decides all that the audit draws at random.")
  var seed = 1337

  @Option(
    help: """
      Where the run's own files are, if not where it was trained; its relative paths start there.
      """)
  var directory: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  @Flag(help: "Do not show on a terminal how far the audit has come.")
  var quiet = false

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.atLeast(0).check(seed, of: "--seed")
  }

  var threadCount: Int { ProcessorMask.current.usableCount }

  func progress() -> LiveProgress { LiveProgress(isWanted: !quiet) }
}

struct AuditMembership: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    commandName: "membership",
    abstract: "Asks a trained model which samples it has learned from.",
    discussion: """
      Members are samples of the training data, the others those of data.validation. With --references models are \
      trained by the run's configuration on random halves of both, so that hard samples are not taken for others.
      """)

  @Argument(help: "A run, or one of its checkpoints.")
  var source: String

  @Option(help: "Models to compare with, an even number.")
  var references = 0

  @Option(help: "The most members, and the most others, that are asked for.")
  var samples = 5000

  @Option(help: "Optimiser steps of each reference. Default: as many as the run has taken.")
  var steps: Int?

  @OptionGroup var arguments: AuditArguments

  var key: KeyArguments { arguments.key }

  func validate() throws {
    try Requirement("from 0 to 1024, and even") { 0...1024 ~= $0 && $0.isMultiple(of: 2) }
      .check(references, of: "--references")
    try Requirement.atLeast(2).check(samples, of: "--samples")
    try Requirement.count(from: 1).check(steps, of: "--steps")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "audit")
    try StandardOutput.print(try report(), asJSON: arguments.json)
  }

  func report() throws -> MembershipReport {
    let trained = try TrainedModel.open(
      source, in: Workspace(threadCount: arguments.threadCount))
    trained.showNotices()
    var options = MembershipAudit.Options()
    (options.samples, options.references, options.steps) = (samples, references, steps)
    options.seed = UInt64(arguments.seed)
    let audit = try MembershipAudit(of: trained, directory: arguments.directory, options: options)
    var progress = arguments.progress()
    defer { progress.clear() }
    return try audit.run { part, done, total in
      switch part {
      case .losses: progress.show("losses", done: done, of: total, unit: .things("samples"))
      case .reference(let number, let count):
        progress.show(
          "reference \(number) of \(count)", done: done, of: total, unit: .things("samples"))
      }
    }
  }
}
