// K clients, L local steps, η their learning rate.

import LockstepCommunication
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import Testing

/// The methods of federated training against their formulas, written down once more in double precision.
@Suite struct FederatedFormulaTests {
  /// Least squares of a plane; a client goes over all of its examples in each local step.
  private static let examples: [[(x: [Double], y: Double)]] = [
    [([1, 0, 2], 1)],
    [([0, -1, 1], 2), ([1, 1, 1], -1)],
    [([2, 1, 0], 0.5), ([0, 0, 1], 3), ([-1, 2, 1], -2)],
  ]

  private final class PlaneSamples: SampledTask {
    let plane = Plane()
    var model: any Module { plane }
    private let examples = FederatedFormulaTests.examples.flatMap(\.self)
    var sampleCount: Int { examples.count }
    let sampleUnit = "example"

    func loss(step: Int, microbatch: Int, in workspace: Workspace) throws -> BatchLoss {
      preconditionFailure("clients ask for samples")
    }

    func loss(
      ofSamples samples: ArraySlice<Int>, step: Int, in workspace: Workspace
    ) -> BatchLoss {
      let inputs = samples.flatMap { examples[$0].x.map(Float.init) }
      let difference =
        plane(Tensor(inputs, shape: [samples.count, 3], in: workspace))
        - Tensor(samples.map { Float(examples[$0].y) }, shape: [samples.count, 1], in: workspace)
      return BatchLoss(sum: (difference * difference).sum(), targetCount: samples.count)
    }
  }

  private static let (rate, localSteps, rounds) = (0.02, 3, 5)

  /// The parameters that a run begins with and ends with: weights, then the bias.
  private func train(_ federated: String) throws -> (begin: [Double], end: [Double]) {
    let configuration = try RunConfiguration.parse(
      yaml: """
        data: {validation: null}
        batch: {sequences: 4, microbatches: 1}
        steps: \(Self.rounds)
        schedule: {name: constant}
        checkpoint: {every: 0}
        evaluate: {every: 0}
        model: {vocabulary: 10}
        optimizer: {name: sgd, learning_rate: \(Self.rate), clip_norm: 0}
        federated: {clients: 3, partition: {name: even}, local_steps: \(Self.localSteps), \(federated)}
        """, source: "test")
    var start = 0
    let partition = Self.examples.map { examples in
      start += examples.count
      return Array(start - examples.count..<start)
    }
    let task = PlaneSamples()
    let trainer = try Trainer(
      task: FederatedTask(of: task, partition: partition, plan: configuration.plan),
      configuration: configuration, communicator: SoloCommunicator(),
      workspace: Workspace(threadCount: 1), observers: [])
    func parameters() -> [Double] {
      (task.plane.linear.weight.tensor.elements + (task.plane.linear.bias?.tensor.elements ?? []))
        .map(Double.init)
    }
    let begin = parameters()
    _ = try trainer.run()
    return (begin, parameters())
  }

  /// The gradient of a client's mean loss.
  private static func gradient(_ client: Int, at point: [Double]) -> [Double] {
    var sum = [0.0, 0, 0, 0]
    for (x, y) in examples[client] {
      let inputs = x + [1]
      let residual = zip(point, inputs).reduce(-y) { $0 + $1.0 * $1.1 }
      for index in 0..<4 { sum[index] += 2 * residual * inputs[index] }
    }
    return sum.map { $0 / Double(examples[client].count) }
  }

  /// What a client comes to by local steps along its gradient and what is added to it.
  private static func local(
    _ client: Int, from start: [Double],
    adding extra: ([Double]) -> [Double] = { _ in [0, 0, 0, 0] }
  ) -> [Double] {
    var point = start
    for _ in 0..<localSteps {
      let (gradient, more) = (gradient(client, at: point), extra(point))
      for index in 0..<4 { point[index] -= rate * (gradient[index] + more[index]) }
    }
    return point
  }

  private static func mean(_ points: [[Double]], weights: [Double]) -> [Double] {
    let total = weights.reduce(0, +)
    return (0..<4).map { index in
      zip(points, weights).reduce(0) { $0 + $1.0[index] * $1.1 } / total
    }
  }

  private static let counts = examples.map { Double($0.count) }

  private func expectClose(_ found: [Double], _ expected: [Double]) {
    #expect(found.count == 4)
    for (found, expected) in zip(found, expected) {
      #expect(abs(found - expected) < 2e-6, "\(found) is not \(expected)")
    }
  }

  @Test(arguments: ["examples", "uniform"]) func fedavgIsTheMeanOfTheClients(
    weighting: String
  ) throws {
    let (begin, end) = try train("method: fedavg, weighting: \(weighting)")
    var point = begin
    for _ in 0..<Self.rounds {
      point = Self.mean(
        (0..<3).map { Self.local($0, from: point) },
        weights: weighting == "examples" ? Self.counts : [1, 1, 1])
    }
    expectClose(end, point)
  }

  @Test func fedproxDrawsClientsBack() throws {
    let mu = 2.0
    let (begin, end) = try train("method: fedprox, mu: \(mu)")
    var point = begin
    for _ in 0..<Self.rounds {
      let start = point
      point = Self.mean(
        (0..<3).map { client in
          Self.local(client, from: start) { zip($0, start).map { mu * ($0 - $1) } }
        }, weights: Self.counts)
    }
    expectClose(end, point)
  }

  @Test func theServersMomentumFollowsTheMeanChange() throws {
    let (begin, end) = try train("server_momentum: 0.5, server_learning_rate: 0.8")
    var (point, velocity) = (begin, [0.0, 0, 0, 0])
    for _ in 0..<Self.rounds {
      let mean = Self.mean((0..<3).map { Self.local($0, from: point) }, weights: Self.counts)
      for index in 0..<4 {
        velocity[index] = 0.5 * velocity[index] + point[index] - mean[index]
        point[index] -= 0.8 * velocity[index]
      }
    }
    expectClose(end, point)
  }

  @Test func fedadamIsAdamAlongTheMeanChange() throws {
    let (begin, end) = try train(
      "method: fedadam, server_learning_rate: 0.05, server_betas: [0.9, 0.99], server_epsilon: 0.001"
    )
    var (point, first, second) = (begin, [0.0, 0, 0, 0], [0.0, 0, 0, 0])
    var (power1, power2) = (1.0, 1.0)
    for _ in 0..<Self.rounds {
      let mean = Self.mean((0..<3).map { Self.local($0, from: point) }, weights: Self.counts)
      (power1, power2) = (power1 * 0.9, power2 * 0.99)
      for index in 0..<4 {
        let change = point[index] - mean[index]
        first[index] = 0.9 * first[index] + 0.1 * change
        second[index] = 0.99 * second[index] + 0.01 * change * change
        let root = (second[index] / (1 - power2)).squareRoot() + 0.001
        point[index] -= 0.05 * first[index] / (1 - power1) / root
      }
    }
    expectClose(end, point)
  }

  @Test func scaffoldCorrectsEachClient() throws {
    let (begin, end) = try train("method: scaffold, weighting: uniform")
    var point = begin
    var control = [0.0, 0, 0, 0]
    var controls = [[Double]](repeating: [0, 0, 0, 0], count: 3)
    for _ in 0..<Self.rounds {
      let (start, all) = (point, control)
      let ends = (0..<3).map { client in
        let own = controls[client]
        return Self.local(client, from: start) { _ in zip(all, own).map { $0 - $1 } }
      }
      for client in 0..<3 {
        for index in 0..<4 {
          let step =
            (start[index] - ends[client][index]) / (Double(Self.localSteps) * Self.rate)
            - all[index]
          controls[client][index] += step
          control[index] += step / 3
        }
      }
      point = Self.mean(ends, weights: [1, 1, 1])
    }
    expectClose(end, point)
  }
}
