import Foundation
import LockstepSettings
import LockstepTraining
import Testing

/// What clients can not do is refused, and the message says what to change.
@Suite struct FederatedConfigurationTests {
  /// Images on which one data set can be dealt out, and files of each client.
  private static let shared = """
    task: classification
    data: {format: idx, train: a, train_labels: b, validation: c, validation_labels: d}
    model: {architecture: mlp}
    """
  private static let own = """
    task: classification
    data: {format: idx, train: "a-{client}", train_labels: "b-{client}", validation: c, validation_labels: d}
    model: {architecture: mlp}
    """

  private func problems(_ yaml: String, ranks: Int? = nil) -> [String] {
    do {
      let read = try RunConfiguration.parse(yaml: yaml, source: "run.yaml")
      if let ranks { try read.validate(ranks: ranks) }
      return []
    } catch {
      return error.violations.map { "\($0)" }
    }
  }

  @Test func theReadyMadeConfigurationIsRead() throws {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = repository.appendingPathComponent("configs/federated/fashion.yaml").path
    let federated = try RunConfiguration.load(path: path).federated
    #expect(federated.isOn && federated.roundSize == 10)
    #expect(
      federated.summary
        == "10 clients a round, each 1 local epoch: fedavg, server learning rate 1.0")
  }

  @Test func filesOfClientsAndOneDataSetAreRead() {
    #expect(problems(Self.own + "\nfederated: {clients: 3, local_steps: 2}") == [])
    for partition in ["even", "classes, classes_per_client: 3", "dirichlet, alpha: 0.1"] {
      let federated = "federated: {clients: 3, local_steps: 2, partition: {name: \(partition)}}"
      #expect(problems(Self.shared + "\n" + federated) == [])
    }
  }

  @Test(arguments: [
    (shared, "federated: {local_steps: 2}", "federated.clients: found 0"),
    (own, "", "data.train: found \"a-{client}\", expected a path without {client}"),
    (shared, "federated: {clients: 3, local_steps: 2}", "expected a path with {client}"),
    (
      own, "federated: {clients: 3, local_steps: 2, partition: {name: even}}",
      "expected a path without {client}, because federated.partition deals out one data set"
    ),
    (own, "federated: {clients: 3}", "federated.local_steps: found"),
    (own, "federated: {clients: 3, local_steps: 2, local_epochs: 1}", "one of the two says"),
    (
      own, "federated: {clients: 3, clients_a_round: 4, local_steps: 2}",
      "federated.clients_a_round: found 4, expected at most clients (3)"
    ),
    (own, "federated: {clients: 2, local_steps: 2, secure: true}", "with fewer than 3 clients"),
    (own, "federated: {clients: 300, local_steps: 2, secure: true}", "at most 255"),
    (
      own,
      "optimizer: {name: sgd}\nfederated: {clients: 3, local_steps: 2, secure: true, method: scaffold}",
      "federated.secure: found true, expected false, because method is scaffold"
    ),
    (
      own,
      "optimizer: {name: sgd, layer_decay: 0.9}\nfederated: {clients: 3, local_steps: 2, method: scaffold}",
      "optimizer.layer_decay: found 0.9, expected 1, because federated.method is scaffold"
    ),
    (
      own,
      "optimizer: {name: sgd, groups: [{parameters: '*.bias', rate: 2}]}\n"
        + "federated: {clients: 3, local_steps: 2, method: scaffold}",
      "expected no rate but 1, because federated.method is scaffold"
    ),
    (own, "federated: {clients: 3, local_steps: 2}\nreduction: allreduce", "reduction: found"),
    (own, "federated: {clients: 3, local_steps: 2}\nrebalance: true", "rebalance: found true"),
    (
      own, "federated: {clients: 3, local_steps: 2, method: scaffold}",
      "expected sgd without momentum, because federated.method is scaffold"
    ),
    (
      own,
      "federated: {clients: 3, local_steps: 2}\ndata: {normalize: false}\n"
        + "privacy: {epsilon: 3, key_file: k}",
      "federated.weighting: found \"examples\" (the default), expected uniform"
    ),
    (
      own,
      "federated: {clients: 9, local_steps: 2, weighting: uniform, secure: true}\ndata: {normalize: false}\n"
        + "privacy: {epsilon: 3, key_file: k}",
      "federated.secure: found true, expected false, because privacy is on"
    ),
    (
      own,
      "federated: {clients: 9, local_steps: 2, weighting: uniform, deadline: 60}\ndata: {normalize: false}\n"
        + "privacy: {epsilon: 3, key_file: k}",
      "federated.deadline: found 60.0, expected 0, because privacy is on"
    ),
    (
      own, "federated: {clients: 3, local_steps: 2, mu: 0.1}", "federated.mu"
    ),
  ])
  func whatClientsCanNotDoIsRefused(base: String, more: String, problem: String) {
    // A second section of the same name would be an error of its own.
    let base =
      more.contains("\ndata: {normalize: false}")
      ? base.replacingOccurrences(of: "data: {", with: "data: {normalize: false, ") : base
    let more = more.replacingOccurrences(of: "\ndata: {normalize: false}", with: "")
    let found = problems(base + "\n" + more)
    #expect(found.contains { $0.contains(problem) }, "\(found)")
  }

  @Test func weightDecayOfItsOwnIsRightForScaffold() {
    let groups = "optimizer: {name: sgd, groups: [{parameters: '*.bias', weight_decay: 0}]}"
    let federated = "federated: {clients: 3, local_steps: 2, method: scaffold}"
    #expect(problems([Self.own, groups, federated].joined(separator: "\n")) == [])
  }

  /// A round of which too few clients are left is another one with masks.
  @Test func whetherChangesAreHiddenDecidesTheResult() throws {
    let federated = "\nfederated: {clients: 3, local_steps: 2, secure: "
    let runs = try ["true", "false"].map {
      try RunConfiguration.parse(yaml: Self.own + federated + $0 + "}", source: "run.yaml")
    }
    #expect(runs[0].differences(from: runs[1]).map(\.key) == ["federated.secure"])
  }

  @Test func tasksWithoutNumberedSamplesAreRefused() {
    let found = problems(
      """
      task: masked-language-modeling
      data: {train: "a-{client}.bin", validation: v.bin, tokenizer: t.json}
      model: {architecture: bert}
      federated: {clients: 3, local_steps: 2}
      """)
    #expect(found.contains { $0.contains("the samples of others are not dealt out") }, "\(found)")
  }

  @Test func moreRoundsThanHaveNumbersAreRefused() {
    let yaml = Self.own + "\nsteps: 100000000\nfederated: {clients: 3, local_steps: 2}"
    #expect(problems(yaml).contains { $0.contains("steps: found 100000000, expected at most") })
  }

  @Test func moreRanksThanClientsAreRefused() {
    let yaml = Self.own + "\nfederated: {clients: 3, local_steps: 2}\nbatch: {microbatches: 1}"
    #expect(problems(yaml, ranks: 3) == [])
    #expect(problems(yaml, ranks: 4).contains { $0.contains("at least the number of ranks (4)") })
  }
}
