import ArgumentParser
import LockstepPrivacy
import LockstepSettings
import LockstepTraining

/// `lockstep privacy`: what steps of a private run cost.
struct Privacy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says which epsilon steps of a private run cost, or how much noise an epsilon takes.",
    discussion: """
      lockstep privacy --rate 0.004 --steps 5000 --noise 1.1 prints epsilon; with --epsilon 3 in place of --noise it \
      prints the noise. The rate is batch.sequences · batch.microbatches divided by the number of samples. What is \
      promised is in docs/privacy.md; lockstep key makes the key that a private run needs.
      """)

  @Option(help: "The probability with which a step draws each sample.")
  var rate: Double

  @Option(help: "Optimiser steps.")
  var steps: Int

  @Option(help: "The noise's standard deviation as a multiple of the clip.")
  var noise: Double?

  @Option(help: "The epsilon to be reached.")
  var epsilon: Double?

  @Option(help: "Delta.")
  var delta = 1e-5

  @Option(help: "prv or rdp.")
  var accountant = "prv"

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try SubsampledGaussian.rates.check(rate, of: "--rate")
    try Requirement.count(from: 1).check(steps, of: "--steps")
    try PrivacyConfiguration.deltaRange.check(delta, of: "--delta")
    try PrivacyConfiguration.noiseRange.check(noise, of: "--noise")
    try PrivacyConfiguration.epsilonRange.check(epsilon, of: "--epsilon")
    guard AccountantName(rawValue: accountant) != nil else {
      throw ValidationError("--accountant is prv or rdp, not '\(accountant)'")
    }
    guard (noise == nil) != (epsilon == nil) else {
      throw ValidationError("give --noise for its epsilon, or --epsilon for its noise")
    }
  }

  func run() throws {
    guard let name = AccountantName(rawValue: accountant) else { return }
    let noise =
      try noise
      ?? PrivacyBudget.noise(
        rate: rate, steps: steps, epsilon: epsilon ?? .infinity, delta: delta, accountant: name)
    let spent = try name.epsilon(
      of: SubsampledGaussian(rate: rate, noise: noise), afterSteps: steps, delta: delta)
    try StandardOutput.print(
      PrivacyCost(
        epsilon: spent, delta: delta, noise: noise, rate: rate, steps: steps,
        accountant: name.rawValue), asJSON: json)
  }
}

/// What steps cost.
private struct PrivacyCost: Encodable, CustomStringConvertible {
  let epsilon, delta, noise, rate: Double
  let steps: Int
  let accountant: String

  var description: String {
    "epsilon \(epsilon) at delta \(delta) by \(accountant.uppercased()): noise \(noise), "
      + "rate \(rate), \(steps) steps"
  }
}
