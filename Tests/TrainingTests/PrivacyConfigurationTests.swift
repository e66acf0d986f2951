import Foundation
import LockstepSettings
import LockstepTraining
import Testing

/// What would tell of the data beside the noisy sums is refused, and the message says why.
@Suite struct PrivacyConfigurationTests {
  private static let tokens =
    "data: {train: a.bin, tokenizer: null, validation: null}\nmodel: {vocabulary: 9}"
  private static let images = """
    task: classification
    data: {format: idx, train: a, train_labels: b, normalize: false}
    model: {architecture: mlp}
    """

  private func problem(_ yaml: String) -> String? {
    do {
      _ = try RunConfiguration.parse(yaml: yaml, source: "run.yaml")
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func theReadyMadeConfigurationIsPrivate() throws {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = repository.appendingPathComponent("configs/private/fashion.yaml").path
    let configuration = try RunConfiguration.load(path: path)
    #expect(configuration.privacy.epsilon == 3 && configuration.privacy.noise == nil)
    #expect(configuration.optimizer.clipNorm == 0)
  }

  @Test(arguments: [tokens, images]) func aPrivateRunIsRead(base: String) throws {
    let read = try RunConfiguration.parse(
      yaml: base + "\nprivacy: {epsilon: 3, key_file: secret}", source: "run.yaml")
    #expect(read.privacy.isOn && read.privacy.epsilon == 3 && read.privacy.noise == nil)
    #expect(read.privacy.delta == 1e-5 && read.privacy.clip == 1 && read.privacy.accountant == .prv)
    #expect(read.privacy.keyFile == "secret")
  }

  @Test(arguments: [
    (
      "", "privacy: {epsilon: 3}",
      "privacy.key_file: found nothing (the default), expected the path of a key"
    ),
    (
      "", "privacy: {clip: 2}",
      "expected a number, because without epsilon and noise the run is not private"
    ),
    ("", "privacy: {noise: 0, key_file: k}", "privacy.noise: found 0"),
    ("reduction: allreduce", "", "reduction: found \"allreduce\", expected canonical"),
    (
      "reduction: canonical-bfloat16", "",
      "reduction: found \"canonical-bfloat16\", expected canonical"
    ),
    ("reduction: canonical-int8", "", "reduction: found \"canonical-int8\", expected canonical"),
    ("products: openblas", "", "products: found \"openblas\", expected canonical"),
    ("synchronize: {every: 100}", "", "synchronize.every: found 100, expected 0"),
    ("early_stopping: {patience: 2}", "", "early_stopping.patience: found 2, expected 0"),
    ("schedule: {name: plateau}", "", "schedule.name: found \"plateau\", expected another"),
    ("optimizer: {skip_above: 4}", "", "optimizer.skip_above: found 4.0, expected 0"),
    ("samples: {every: 100}", "", "samples.every: found 100, expected 0"),
  ]) func whatIsNotCoveredIsRefused(keys: String, privacy: String, message: String) throws {
    let privacy = privacy.isEmpty ? "privacy: {noise: 1, key_file: k}" : privacy
    let found = try #require(problem([Self.images, keys, privacy].joined(separator: "\n")))
    #expect(found.contains(message), "\(found)")
    // Without privacy all of it is right.
    if !keys.isEmpty { #expect(problem(Self.images + "\n" + keys) == nil) }
  }

  @Test(arguments: [
    (
      "task: classification\ndata: {format: idx, train: a, train_labels: b}\nmodel: {architecture: mlp}",
      "data.normalize: found true (the default), expected false"
    ),
    (
      "task: regression\ndata: {format: csv, train: a, target: t}\nmodel: {architecture: linear}",
      "data.normalize: found true (the default), expected false"
    ),
    (
      "data: {train: [a.bin, b.bin], tokenizer: null}\nmodel: {vocabulary: 9}",
      "expected one file"
    ),
    (
      "task: masked-language-modeling\nmodel: {architecture: bert}",
      "expected language-modeling, classification"
    ),
    (
      "task: translation\ndata: {format: pairs, train_source: a, train_target: b}\nmodel: {architecture: transformer}",
      "expected language-modeling, classification"
    ),
    (
      "data: {validation: null}\nloss: {name: distillation, teacher: m}",
      "loss.name: found \"distillation\", expected another"
    ),
  ]) func dataThatAreNotCoveredAreRefused(base: String, message: String) throws {
    let found = try #require(problem(base + "\nprivacy: {noise: 1, key_file: k}"))
    #expect(found.contains(message), "\(found)")
  }
}
