import LockstepCommunication
import LockstepDatasets
import LockstepSettings
import LockstepTensors
import LockstepTraining
import Testing

/// Every key that is declared, at both ends of its range and one step beyond: done, or refused as the
/// user's error. The keys are those of the declaration, so a new one is tried by itself.
@Suite struct ConfigurationEndsTests {
  private let folder: TemporaryFolder
  /// Bytes: what is tried is tiny, so whatever needs more was made large by the key.
  private static let memory = 64 << 20

  init() throws {
    folder = try TemporaryFolder()
    let text = String(repeating: "a small text of few words\n", count: 60)
    let path = try folder.write(Array(text.utf8), to: "text.txt")
    _ = try DatasetPreparation(inputs: [path], output: folder.path + "/text", tokenizer: .bytes)
      .run()
    _ = try PairPreparation(
      inputs: [path, path], heldOut: [path, path], output: folder.path + "/pairs",
      tokenizer: .bytePairEncoding(vocabularySize: 260)
    ).run()
    _ = try folder.writeImages(count: 24)
    _ = try folder.writeTable(rows: 24)
    let sine = "y,x\n" + (0..<24).map { "\($0).5,0.\($0)\n" }.joined()
    _ = try folder.write(Array(sine.utf8), to: "sine.csv")
  }

  private static let keys = RunConfiguration.keyDescriptions

  // MARK: Small configurations that work

  /// Keys of all runs: two steps of two micro-batches of two.
  private static let plan = """
    batch: {sequences: 2, microbatches: 2}
    steps: 2
    schedule: {warmup_steps: 0}
    evaluate: {every: 1, batches: 1}
    threads: 1
    """

  /// The data section and the task of an architecture.
  private func base(ofArchitecture name: String) -> String {
    let path = folder.path
    let text =
      "{train: \(path)/text/train.bin, validation: \(path)/text/validation.bin, "
      + "tokenizer: \(path)/text/tokenizer.json}"
    let pairs = ["train", "validation"].flatMap { part in
      ["source", "target"].map { "\(part)_\($0): \(path)/pairs/\(part).\($0).bin" }
    }.joined(separator: ", ")
    let shape = "layers: 1, heads: 2, width: 8, context: 8"
    let (task, data, keys) =
      switch name {
      case "bert": ("masked-language-modeling", text, ", \(shape)")
      case "transformer":
        (
          "translation", "{format: pairs, \(pairs), tokenizer: \(path)/pairs/tokenizer.json}",
          ", encoder_layers: 1, decoder_layers: 1, heads: 2, width: 8, context: 64"
        )
      case "vit":
        (
          "classification",
          "{format: idx, train: \(path)/train-images, train_labels: \(path)/train-labels, "
            + "validation: \(path)/train-images, validation_labels: \(path)/train-labels}",
          ", layers: 1, heads: 2, width: 8"
        )
      case "sine": ("regression", "{format: csv, train: \(path)/sine.csv}", "")
      case "linear", "mlp":
        (
          "regression",
          "{format: csv, train: \(path)/train.csv, validation: \(path)/train.csv, target: y}", ""
        )
      default: ("language-modeling", text, ", \(shape)")
      }
    return "task: \(task)\ndata: \(data)\nmodel: {architecture: \(name)\(keys)}\n\(Self.plan)\n"
  }

  /// Under which architecture a choice can be tried at all.
  private static let architectureOfChoice = [
    "data.format: idx": "vit", "data.format: csv": "mlp", "data.format: pairs": "transformer",
    "loss.name: kl-divergence": "vit", "loss.name: binary-cross-entropy": "vit",
    "loss.name: mean-squared-error": "mlp", "loss.name: huber": "mlp",
    "task: masked-language-modeling": "bert", "task: translation": "transformer",
    "task: classification": "vit", "task: regression": "mlp",
  ]

  /// A working configuration in which a key of these conditions exists.
  private func tree(under conditions: [(key: String, choice: String)]) throws -> SettingNode {
    let architecture = conditions.compactMap { key, choice in
      key == "model.architecture" ? choice : Self.architectureOfChoice["\(key): \(choice)"]
    }.last
    var violations: [Violation] = []
    var tree = try #require(
      RunConfiguration.tree(
        yaml: base(ofArchitecture: architecture ?? "gpt"), source: "base.yaml", overrides: [],
        reporting: &violations))
    #expect(violations.isEmpty)
    for (key, choice) in conditions {
      try tree.set(key, to: SettingNode(.plain(choice)), keys: Self.keys)
    }
    return tree
  }

  // MARK: The walk

  /// One value of one key, and a configuration that has it.
  private struct Trial: CustomStringConvertible {
    let path: String
    let value: SettingNode
    let tree: SettingNode
    let isBeyond: Bool

    var description: String {
      let written = value.summary.prefix(60)
      return "\(path): \(written)\(isBeyond ? ", beyond its range" : "")"
    }
  }

  /// All trials of some keys and of those below them.
  private func trials(
    of keys: [KeyDescription], below path: String = "",
    under conditions: [(key: String, choice: String)] = []
  ) throws -> [Trial] {
    try keys.flatMap { key -> [Trial] in
      let full = path.isEmpty ? key.key : "\(path).\(key.key)"
      var conditions = conditions
      if let condition = key.condition {
        let selector = path.isEmpty ? condition.selector : "\(path).\(condition.selector)"
        conditions.append((selector, condition.choice))
      }
      var trials: [Trial] = []
      for (values, isBeyond) in [(key.ends.within, false), (key.ends.beyond, true)] {
        for value in values {
          var conditions = conditions
          if let choice = value.scalar, key.choices.contains(where: { $0.name == choice }) {
            conditions.append((full, choice))
          }
          var tree = try tree(under: conditions)
          try put(value, at: full, in: &tree)
          trials.append(Trial(path: full, value: value, tree: tree, isBeyond: isBeyond))
        }
      }
      return try trials + self.trials(of: key.children, below: full, under: conditions)
    }
  }

  /// Puts a value in its place, which may be a map in a list.
  private func put(_ value: SettingNode, at path: String, in tree: inout SettingNode) throws {
    let keys = Self.keys
    let list = path.split(separator: ".").dropLast().joined(separator: ".")
    let isOfList =
      !list.isEmpty
      && keys.contains { key in
        guard key.key == list.split(separator: ".").first.map(String.init) else { return false }
        let places = [key] + key.children
        return places.contains {
          guard list == key.key || list == "\(key.key).\($0.key)" else { return false }
          if case .list = $0.defaultValue.content { return !$0.children.isEmpty }
          return false
        }
      }
    guard isOfList, let name = path.split(separator: ".").last else {
      return try tree.set(path, to: value, keys: keys)
    }
    try tree.set(
      list, to: SettingNode(.list([SettingNode(.map([.init(String(name), value)]))])), keys: keys)
  }

  @Test func everyKeyAtBothEndsIsDoneOrRefused() throws {
    let trials = try trials(of: Self.keys)
    var done = 0
    for trial in trials {
      let configuration: RunConfiguration
      do throws(ConfigurationError) {
        configuration = try RunConfiguration(readFrom: trial.tree, ranks: 1)
      } catch {
        let names = error.violations.map { $0.path.description.replacing("[0]", with: "") }
        let isNamed = names.contains { $0.hasPrefix(trial.path) || trial.path.hasPrefix($0) }
        #expect(isNamed || !trial.isBeyond, "\(trial): \(error)")
        continue
      }
      #expect(!trial.isBeyond, "\(trial) is accepted")
      if try train(configuration, trial) { done += 1 }
    }
    // Most ends are not extreme: a walk that refused everything would show nothing.
    #expect(done > trials.count / 4, "\(done) of \(trials.count)")
  }

  /// Trains two steps, with an evaluation.
  ///
  /// - Returns: Whether it was done; false where it was refused as the user's error.
  private func train(_ configuration: RunConfiguration, _ trial: Trial) throws -> Bool {
    do {
      let communicator = SoloCommunicator()
      let task = try configuration.prepareTask(communicator, memory: Self.memory).task
      let threads = try ThreadPlan(
        requested: configuration.plan.threads, communicator: communicator)
      let trainer = try Trainer(
        task: task, configuration: configuration, communicator: communicator,
        workspace: Workspace(
          threadCount: threads.threads, library: configuration.plan.products.library), observers: []
      )
      _ = try trainer.run(pausing: { step, _ in step >= 2 })
      return true
    } catch let error as AgreedError {
      // A rate of 10³⁰⁸ ends in numbers that are not finite, which is what training says then.
      let isRefused = error.exitCode == .usage || error.underlying is NotFiniteError
      #expect(isRefused, "\(trial): \(error)")
      return false
    }
  }
}
