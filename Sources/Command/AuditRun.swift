import ArgumentParser
import LockstepAudits
import LockstepCommunication
import LockstepSettings
import LockstepTraining

/// All parts of an audit that a run allows, one after the other.
struct AuditRun: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "All that is possible for a run: membership, canaries, epsilon.",
    discussion: """
      Where a part is not possible for this run, it says why. Each part has more options when it is run \
      by itself.
      """)

  @Argument(help: "A run, or one of its checkpoints.")
  var source: String

  @Option(help: "Models that membership is compared with, an even number.")
  var references = 0

  @Option(help: "The most optimiser steps of the training with canaries.")
  var canarySteps = 300

  @Option(help: "Trainings that epsilon is looked for in.")
  var runs = 1000

  @OptionGroup var arguments: AuditArguments

  var key: KeyArguments { arguments.key }

  /// All parts' options are checked before the first part takes its time.
  func validate() throws {
    try Requirement.atLeast(1).check(canarySteps, of: "--canary-steps")
    try membership().validate()
    try epsilon().validate()
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "audit")
    var result = RunAudit()
    result.membership = try part("membership", &result) { try membership().report() }
    result.canaries = try part("canaries", &result) {
      var canaries = try AuditCanaries.parse([source])
      canaries.arguments = arguments
      let configuration = try canaries.audited.configuration(directory: arguments.directory)
      canaries.steps = min(configuration.plan.steps, canarySteps)
      return try canaries.report(configuration)
    }
    result.epsilon = try part("epsilon", &result) {
      let part = try epsilon()
      return try part.report(part.audited.configuration(directory: arguments.directory))
    }
    if arguments.json { try StandardOutput.printJSON(result) }
    if result.epsilon?.isConsistent == false { throw CommandExit(code: .failure) }
  }

  private func membership() throws -> AuditMembership {
    var membership = try AuditMembership.parse([source])
    (membership.references, membership.arguments) = (references, arguments)
    return membership
  }

  private func epsilon() throws -> AuditEpsilon {
    var epsilon = try AuditEpsilon.parse([source])
    (epsilon.runs, epsilon.arguments) = (runs, arguments)
    return epsilon
  }

  /// One part, printed as soon as it is there; nil where the run does not allow it.
  private func part<Report: Encodable & CustomStringConvertible>(
    _ name: String, _ result: inout RunAudit, _ body: () throws -> Report
  ) throws -> Report? {
    do {
      let report = try body()
      if !arguments.json { try StandardOutput.print("\(name)\n\(report)\n") }
      return report
    } catch let error as any AuditObstacle {
      result.leftOut[name] = "\(error)"
      if !arguments.json { try StandardOutput.print("\(name): left out: \(error)\n") }
      return nil
    }
  }
}

/// What an audit of a run came to.
private struct RunAudit: Encodable {
  var membership: MembershipReport?
  var canaries: CanaryReport?
  var epsilon: EpsilonReport?
  /// Why parts were left out, by their names.
  var leftOut: [String: String] = [:]
}
