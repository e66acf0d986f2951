// σ noise multiplier, C clip.

import LockstepAudits
import LockstepPrivacy
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// A mechanism that breaks its claim is found, and one that keeps it is not accused.
@Suite struct EpsilonAuditTests {
  private let bench: Bench

  init() throws {
    bench = try Bench()
    try bench.table("train.csv", rows: 60, seed: 1)
    try bench.table("test.csv", rows: 20, seed: 2)
  }

  private func audit(
    _ privacy: String, runs: Int = 240, seed: UInt64 = 1337, configuration: RunConfiguration? = nil
  ) throws -> EpsilonAudit {
    let configuration =
      try configuration
      ?? bench.rows(
        "privacy: {\(privacy), delta: 1e-5, key_file: none}\nbatch: {sequences: 8, microbatches: 2}"
      )
    var options = EpsilonAudit.Options()
    (options.runs, options.seed) = (runs, seed)
    return try EpsilonAudit(
      configuration, path: "rows.yaml", pool: configuration.pool(), options: options)
  }

  /// With one that does not clip at all, the sum has 200 times the clip of a sample while the noise is as claimed.
  @Test func aClipThatDoesNothingIsFound() throws {
    let audit = try audit("noise: 4, clip: 0.01", runs: 160)
    #expect(audit.claimed < 2.8)
    var broken = audit.plan.privacy
    (broken.clip, broken.noise) = (4, 0.01)
    let report = audit.report(try audit.outcomes(privacy: broken, in: Workspace()))
    #expect(report.found > report.claimed && !report.isConsistent)
    #expect(report.pull.value > 10)
    #expect("\(report)".contains("THE CLAIM IS WRONG"))
    // The same runs as they should be.
    let honest = audit.report(try audit.outcomes(in: Workspace()))
    #expect(honest.isConsistent && "\(honest)".contains("consistent"))
    #expect(honest.gradientNorm > 10)
  }

  /// Too little to be told from runs that are counted, and enough to be measured.
  @Test func aClipThatIsTwiceTooLongIsFound() throws {
    let audit = try audit("noise: 0.5, clip: 0.05", runs: 480)
    var broken = audit.plan.privacy
    (broken.clip, broken.noise) = (0.1, 0.25)
    let report = audit.report(try audit.outcomes(privacy: broken, in: Workspace()))
    #expect(!report.isConsistent && !report.isClipKept && report.isNoiseKept, "\(report)")
    #expect("\(report)".contains("THE CLIP IS NOT KEPT"))
    #expect(audit.report(try audit.outcomes(in: Workspace())).isConsistent)
  }

  @Test func noiseThatIsTooSmallIsFound() throws {
    let audit = try audit("noise: 4, clip: 0.05", runs: 120)
    var broken = audit.plan.privacy
    broken.noise = 0.2
    let report = audit.report(try audit.outcomes(privacy: broken, in: Workspace()))
    #expect(!report.isConsistent && !report.isNoiseKept)
    #expect(abs(report.noiseFound.value - 0.2) < 4 * report.noiseFound.error)
    // The clip is as it should be, and the audit tells.
    #expect(abs(report.pull.value - 1) < 4 * report.pull.error && report.isClipKept)
  }

  @Test(arguments: [1, 2, 3, 4])
  func aMechanismThatKeepsItsClaimIsNotAccused(seed: UInt64) throws {
    let audit = try audit("noise: 1.5, clip: 0.2", runs: 120, seed: seed)
    let report = audit.report(try audit.outcomes(in: Workspace()))
    #expect(report.isConsistent, "\(report)")
    #expect(abs(report.noiseFound.value - 1.5) < 4 * report.noiseFound.error)
    #expect(abs(report.pull.value - 1) < 4 * report.pull.error)
    #expect(report.pull.error < 0.9)
  }

  /// Sequences are computed one by one, rows in batches.
  @Test func sequencesAreAuditedToo() throws {
    let text = try bench.text(
      "privacy: {noise: 3, clip: 0.1, delta: 1e-4, key_file: none}", steps: 5)
    let audit = try audit("", runs: 40, configuration: text)
    let honest = audit.report(try audit.outcomes(in: Workspace()))
    #expect(honest.isConsistent)
    #expect(abs(honest.pull.value - 1) < 4 * honest.pull.error)
    var broken = audit.plan.privacy
    (broken.clip, broken.noise) = (30, 0.01)
    let report = audit.report(try audit.outcomes(privacy: broken, in: Workspace()))
    #expect(report.pull.value > 5 && !report.isClipKept)
  }

  @Test func theSameSeedFindsTheSame() throws {
    let audits = try [3, 3, 4].map { try audit("noise: 1, clip: 1", runs: 40, seed: $0) }
    let outcomes = try audits.map { try $0.outcomes(in: Workspace()) }
    #expect(outcomes[0].with == outcomes[1].with && outcomes[0].without == outcomes[1].without)
    #expect(outcomes[0].with != outcomes[2].with)
  }

  @Test func aRunWithoutPrivacyClaimsNothing() throws {
    let open = try bench.rows("")
    #expect(throws: AuditError.notPrivate(path: "rows.yaml")) {
      try audit("", configuration: open)
    }
  }
}
