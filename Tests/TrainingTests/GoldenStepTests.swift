// B sequences, T positions, P parameters, M micro-batches, N ranks.

import Foundation
import LockstepCommunication
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import LockstepWeights
import Testing

/// Whole steps against PyTorch: see `scripts/fixtures/gpt2.py`.
struct GoldenStepTests {
  /// What PyTorch computed for a small random GPT-2.
  private struct Fixture: Decodable, Sendable {
    struct Step: Decodable, Sendable {
      let tokens: [Int32]
      let targets: [Int32]
      let loss: Double
      let gradientNorm: Double
    }

    let layers: Int
    let heads: Int
    let width: Int
    let vocabulary: Int
    let context: Int
    let sequences: Int
    let positions: Int
    let steps: [Step]

    static let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ModelsTests/Fixtures/gpt2").path

    static func load() throws -> Fixture {
      let file = URL(fileURLWithPath: folder + "/gpt2.json")
      return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
    }
  }

  /// The fixture's batches, one or more sequences to a micro-batch.
  private final class Task: TrainingTask {
    let gpt: GPT
    private let fixture: Fixture
    private let sequences: Int

    /// - Parameter microbatches: Divides the fixture's sequences.
    init(_ fixture: Fixture, microbatches: Int) {
      self.fixture = fixture
      sequences = fixture.sequences / microbatches
      gpt = GPT(
        GPTConfiguration(
          layers: fixture.layers, heads: fixture.heads, width: fixture.width,
          context: fixture.context),
        vocabularyCount: fixture.vocabulary)
    }

    var model: any Module { gpt }

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      let count = sequences * fixture.positions
      let range = microbatch * count..<(microbatch + 1) * count
      let targets = Array(fixture.steps[step].targets[range])
      let shape: Shape = [sequences, fixture.positions]
      return BatchLoss(
        sum: gpt.loss(
          of: Indices(Array(fixture.steps[step].tokens[range]), shape: shape),
          targets: Indices(targets, shape: shape)),
        targetCount: targets.count { $0 >= 0 })
    }
  }

  /// Largest difference of any element, relative to the tensor's largest element.
  private func difference(_ values: [Float], _ expected: [Float]) -> Float {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    return zip(values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
  }

  /// The biases of queries and values. Those of the keys add the same to all scores of a query, and
  /// softmax does not see it: their gradient is zero but for rounding, of which Adam makes steps of
  /// full size, in PyTorch as here.
  private func withoutKeys(_ bias: [Float]) -> [Float] {
    let width = bias.count / 3
    return Array(bias[..<width] + bias[(2 * width)...])
  }

  @Test(arguments: [(1, 1), (3, 1), (3, 2), (3, 3)])
  func fiveStepsOfAdamWWithClippingEqualPyTorch(microbatches: Int, ranks: Int) throws {
    let fixture = try Fixture.load()
    let runs = try InProcessGroup(size: ranks).run { communicator in
      var plan = Plan()
      plan.steps = fixture.steps.count
      plan.batch.microbatches = microbatches
      plan.optimizer.learningRate = 1e-3
      plan.schedule.shape = .constant
      let task = Task(fixture, microbatches: microbatches)
      let replica = try Replica(
        of: task.model, communicator: communicator, workspace: Workspace())
      if communicator.isRankZero {
        let weights = try SafetensorsReader(path: Fixture.folder + "/weights.safetensors")
        for entry in replica.parameters.entries {
          _ = try UnsafeMutableBufferPointer(rebasing: replica.shared.values[entry.range])
            .update(fromContentsOf: weights.floats(entry.name))
        }
      }
      try replica.shared.broadcast()
      let step = try TrainingStep(
        task: task, replica: replica, plan: plan, communicator: communicator)
      let outcomes = try fixture.steps.indices.map { try step.run(step: $0) }
      return Run(
        outcomes: outcomes,
        parameters: replica.parameters.entries.map {
          ($0.name, Array(replica.shared.values[$0.range]))
        })
    }
    let expected = try SafetensorsReader(path: Fixture.folder + "/expected.safetensors")
    for run in runs {
      for (outcome, step) in zip(run.outcomes, fixture.steps) {
        let loss = step.loss / Double(step.targets.count { $0 >= 0 })
        #expect(abs(outcome.loss - loss) < 1e-5 * loss)
        #expect(abs(outcome.gradientNorm - step.gradientNorm) < 1e-5 * step.gradientNorm)
        #expect(step.gradientNorm > 1, "every step of the fixture is clipped")
      }
      for (name, values) in run.parameters {
        let truth = try expected.floats("after." + name)
        let found = difference(
          name.hasSuffix("c_attn.bias") ? withoutKeys(values) : values,
          name.hasSuffix("c_attn.bias") ? withoutKeys(truth) : truth)
        #expect(found < 1e-5, "\(name) is off by \(found)")
      }
    }
  }

  private struct Run: Sendable {
    let outcomes: [StepOutcome]
    let parameters: [(name: String, values: [Float])]
  }
}
