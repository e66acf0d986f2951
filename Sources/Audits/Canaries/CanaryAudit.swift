// R the space of secrets, B sequences, T positions.

import Foundation
import LockstepDatasets
import LockstepModels
import LockstepTensors
import LockstepTraining

/// Puts secrets into the training data of a run of its own, and asks how well the model knows them.
///
/// N. Carlini et al., "The Secret Sharer", 2019; see `Exposure`.
package struct CanaryAudit {
  package struct Options: Sendable {
    /// How often the secrets of each group are in the data; those of 0 are not.
    package var repetitions = [0, 1, 4, 16]
    /// Secrets of a group.
    package var canaries = 8
    package var format = CanaryFormat.standard
    /// Of the run; nil: as its configuration says.
    package var steps: Int?
    /// The most others of R that a secret is compared with.
    package var candidates = 1000
    package var seed: UInt64 = 1337

    package init() {}
  }

  private let configuration: RunConfiguration
  private let pool: SamplePool
  private let options: Options
  private let draws: AuditDraws
  private let format: CanaryFormat
  private let canaries: [Canary]
  /// Canaries as they are put into windows of the training data.
  private let pieces: [Int: (position: Int, tokens: [Int32])]

  /// - Parameters:
  ///   - configuration: Of a language model that learns from token files.
  ///   - path: What errors call it.
  ///   - pool: Its samples.
  /// - Throws: `AuditError`.
  package init(
    _ configuration: RunConfiguration, path: String, pool: SamplePool, options: Options
  ) throws {
    guard case .sequences(let parts, _, _) = pool.content, configuration.data.tokens != nil,
      let tokenizer = pool.tokenizer
    else {
      throw AuditError.noTokenFile(
        path: path,
        kind: configuration.data.tokens == nil
          ? "\(configuration.data.format.variantName)" : "tokens without a tokenizer")
    }
    (self.configuration, self.pool, self.options) = (configuration, pool, options)
    draws = AuditDraws(seed: options.seed)
    let format = try CanaryFormat(options.format, tokenizer: tokenizer)
    self.format = format
    canaries = Canary.drawn(
      repetitions: options.repetitions, count: options.canaries, spaceCount: format.spaceCount,
      draws)
    let needed = canaries.reduce(0) { $0 + $1.repetitions }
    guard needed <= pool.memberCount else {
      throw AuditError.tooFewWindows(needed: needed, found: pool.memberCount, path: pool.path)
    }
    let windows = draws.some(needed, of: pool.members, .windows)
    var (pieces, next) = ([Int: (position: Int, tokens: [Int32])](), 0)
    for canary in canaries {
      let tokens = try format.tokens(secret: canary.secret, name: canary.name)
      let room = parts[0].context + 1 - tokens.count
      try Self.requireFits(tokens, window: parts[0].context + 1)
      for _ in 0..<canary.repetitions {
        let position = draws.number(below: room + 1, .windows, 1, at: next)
        pieces[windows[next]] = (position, tokens)
        next += 1
      }
    }
    self.pieces = pieces
    // Other digits may be more tokens: told before the training, not after it.
    for (number, canary) in canaries.enumerated() {
      for tokens in try candidates(of: canary, number) {
        try Self.requireFits(tokens, window: parts[0].context + 1)
      }
    }
  }

  private static func requireFits(_ tokens: [Int32], window: Int) throws(AuditError) {
    guard tokens.count <= window else {
      throw .longCanary(tokens: tokens.count, window: window)
    }
  }

  /// The part that is being computed, to show how far an audit has come.
  package enum Part {
    case training
    case exposures
  }

  /// - Parameter workspace: Computes.
  package func run(
    in workspace: Workspace, report: (Part, _ done: Int, _ total: Int?) -> Void = { _, _, _ in }
  ) throws -> CanaryReport {
    let start = ContinuousClock.now
    let plan = configuration.plan.forTrial(steps: options.steps)
    report(.training, 0, nil)
    let changed = pool.replacing(pieces)
    let result = try changed.trained(
      on: Array(pool.members), plan: plan, key: plan.privacy.isOn ? draws.key(0) : nil,
      in: workspace)
    guard let model = result.network as? any LanguageModel else {
      preconditionFailure("canaries are put into language models")
    }
    var exposures: [Exposure] = []
    for (number, canary) in canaries.enumerated() {
      exposures.append(try exposure(of: canary, number, model, in: workspace))
      report(.exposures, number + 1, canaries.count)
    }
    let groups = options.repetitions.indices.map { group in
      CanaryReport.Group(
        repetitions: options.repetitions[group],
        Array(exposures[group * options.canaries..<(group + 1) * options.canaries]))
    }
    return CanaryReport(
      path: pool.path, format: options.format, steps: plan.steps, windows: pool.memberCount,
      unit: pool.unit, spaceCount: format.spaceCount, comparedCount: comparedCount + 1,
      isPrivate: plan.privacy.isOn, groups: groups,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  // MARK: Exposure

  /// Others of R that each secret is compared with.
  private var comparedCount: Int { min(options.candidates, format.spaceCount - 1) }

  /// The canary, and with other secrets: all of them, or so many at random.
  private func candidates(of canary: Canary, _ number: Int) throws(AuditError) -> [[Int32]] {
    let others = draws.some(comparedCount, of: 0..<format.spaceCount - 1, .candidates, number)
      .map { $0 < canary.secret ? $0 : $0 + 1 }
    return try ([canary.secret] + others).map { (secret) throws(AuditError) in
      try format.tokens(secret: secret, name: canary.name)
    }
  }

  private func exposure(
    of canary: Canary, _ number: Int, _ model: any LanguageModel, in workspace: Workspace
  ) throws -> Exposure {
    let losses = model.losses(of: try candidates(of: canary, number), in: workspace)
    return Exposure(loss: losses[0], among: Array(losses.dropFirst()))
  }
}

extension LanguageModel {
  /// -log p of each text after its first token, in nats.
  func losses(of texts: [[Int32]], in workspace: Workspace) -> [Double] {
    let atOnce = 64
    return stride(from: 0, to: texts.count, by: atOnce).flatMap { first in
      let some = texts[first..<min(first + atOnce, texts.count)]
      let positions = max(1, (some.map(\.count).max() ?? 1) - 1)
      var inputs = [Int32](repeating: 0, count: some.count * positions)
      var targets = [Int32](
        repeating: TokenBatch.ignoredTarget, count: some.count * positions)
      for (row, text) in some.enumerated() {
        for position in 0..<max(0, text.count - 1) {
          inputs[row * positions + position] = text[position]
          targets[row * positions + position] = text[position + 1]
        }
      }
      let shape: Shape = [some.count, positions]
      return workspace.withoutRecording {
        let losses = losses(
          of: Indices(inputs, shape: shape), targets: Indices(targets, shape: shape)
        ).elements  // [B · T]
        return (0..<some.count).map { row in
          losses[row * positions..<(row + 1) * positions].reduce(0) { $0 + Double($1) }
        }
      }
    }
  }
}
