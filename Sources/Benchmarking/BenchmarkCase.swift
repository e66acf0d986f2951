// B sequences, T positions, D width, V vocabulary.

import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepSettings
import LockstepTraining

/// What is trained by a benchmark: a built-in case, or a configuration whose data need not exist.
public struct BenchmarkCase: Sendable {
  /// A case's name, or the configuration's path.
  public let name: String
  public let plan: Plan
  private let architecture: any LanguageArchitecture
  /// T.
  public let context: Int
  /// V.
  public let vocabularyCount: Int
  /// A key of the configuration whose work a step on synthetic tokens would not have; nil: there is none.
  package private(set) var unseenKey: String?

  /// The names of the built-in cases.
  public static let names = ["tiny", "small", "gpt2", "gpt2-long"]

  /// A built-in case: AdamW with clipping, no dropout, and for each rank one micro-batch a step.
  ///
  /// - Returns: Nil where there is none of this name.
  public init?(named name: String, ranks: Int) {
    let (shape, sequences): (GPTConfiguration, Int)
    switch name {
    case "tiny":
      (shape, sequences) = (.init(layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65), 12)
    case "small":
      (shape, sequences) = (.init(layers: 6, heads: 6, width: 384, context: 256, vocabulary: 65), 8)
    case "gpt2": (shape, sequences) = (.gpt2(context: 256), 4)
    case "gpt2-long": (shape, sequences) = (.gpt2(context: 1024), 1)
    default: return nil
    }
    var plan = Plan()
    plan.batch.sequences = sequences
    plan.batch.microbatches = ranks
    self.name = name
    self.plan = plan
    architecture = shape
    context = shape.context
    vocabularyCount = shape.vocabulary ?? 0
  }

  /// A built-in case or a configuration file, which rank zero reads. Collective.
  ///
  /// - Parameters:
  ///   - source: A name, or the path of a YAML file. Its `data` is not opened, but for the tokenizer's
  ///     vocabulary where `model.vocabulary` is not given.
  ///   - overrides: `key.path=value`, of a configuration's keys. Default: none.
  /// - Throws: `AgreedError` with `UnknownCaseError`, `BuiltInCaseError`, `ConfigurationError` or
  ///   `TokenizerError`.
  public init(
    _ source: String, overrides: [String] = [], communicator: any Communicator
  ) throws {
    if let known = BenchmarkCase(named: source, ranks: communicator.size) {
      try communicator.agree {
        if !overrides.isEmpty { throw BuiltInCaseError(name: source) }
      }
      self = known
      return
    }
    let text = try communicator.valueFromRankZero {
      if Self.isAbsent(source) { throw UnknownCaseError(name: source) }
      return try RunConfiguration.readText(path: source)
    }
    name = source
    let configuration = try communicator.agree {
      try RunConfiguration.parse(
        yaml: text, source: source, overrides: overrides,
        ranks: communicator.size
      ).locatingFiles()
    }
    let recipe = configuration.recipe
    let data: TokenDataConfiguration
    (data, architecture) = try communicator.agree {
      guard case .languageModeling(let data, let architecture) = try recipe.parts() else {
        throw BenchmarkTaskError(path: source, task: recipe.task.rawValue)
      }
      return (data, architecture)
    }
    plan = configuration.plan
    unseenKey = recipe.keyUnseenInSyntheticTokens ?? plan.keyUnseenInSyntheticTokens
    context = recipe.model.context
    if let vocabulary = recipe.model.vocabulary {
      vocabularyCount = vocabulary
    } else {
      // A configuration names a vocabulary or a tokenizer.
      let path = data.tokenizer ?? ""
      let json = try communicator.fromRankZero { try TokenizerFile.contents(path) }
      vocabularyCount = try communicator.agree {
        try TokenizerFile.tokenizer(from: json, path: path).vocabularyCount
      }
    }
  }

  /// Whether there is no such file. One that can not be looked at may be there: reading it says why not.
  private static func isAbsent(_ path: String) -> Bool {
    do throws(FileError) {
      return try !FileSystem.exists(path)
    } catch {
      return false
    }
  }

  /// The network, its parameters not yet bound.
  var model: any LanguageModel { architecture.model(vocabularyCount: vocabularyCount) }

  /// What training it takes.
  ///
  /// - Parameters:
  ///   - ranks: N.
  func memory(ranks: Int) -> MemoryEstimate {
    MemoryEstimate(
      of: model,
      keptElementCount: architecture.keptElementCount(
        sequences: plan.batch.sequences, of: [context]),
      plan: plan, ranks: ranks)
  }
}

extension Recipe {
  /// What synthetic tokens and a plain model leave out of a step.
  fileprivate var keyUnseenInSyntheticTokens: String? {
    if adapter.keys != nil { return "adapter" }
    if !freeze.isEmpty { return "freeze" }
    if case .distillation = loss.kind { return "loss.name: distillation" }
    return nil
  }
}

extension Plan {
  /// What synthetic tokens can not be trained with: samples that are drawn each by itself, clients.
  fileprivate var keyUnseenInSyntheticTokens: String? {
    if privacy.isOn { return "privacy" }
    return federated.isOn ? "federated" : nil
  }
}

extension GPTConfiguration {
  /// GPT-2's smallest model, of 124 million parameters, at a sequence length of one's own.
  fileprivate static func gpt2(context: Int) -> GPTConfiguration {
    GPTConfiguration(layers: 12, heads: 12, width: 768, context: context, vocabulary: 50_257)
  }
}

/// A benchmark of something that is neither a built-in case nor a file.
public struct UnknownCaseError: UserInputError, Equatable {
  public let name: String

  public var description: String {
    "\(name): no such case or file; expected \(BenchmarkCase.names.joined(separator: ", ")), or a "
      + "configuration in YAML"
  }
}

/// Keys for a built-in case, which has none.
public struct BuiltInCaseError: UserInputError, Equatable {
  public let name: String

  public var description: String {
    "--set is for the keys of a configuration, and \(name) is a built-in case: name a configuration in YAML instead"
  }
}

/// A configuration whose steps are to be timed, and have work that steps on synthetic tokens do not have.
public struct UnseenKeyError: UserInputError, Equatable {
  public let path: String
  /// What is not seen.
  public let key: String

  public var description: String {
    "\(path): a step on synthetic tokens would not have the work of \(key), so that it says nothing of how long a "
      + "step takes: measure a run of some steps"
  }
}

/// A benchmark of a configuration whose task has no synthetic data.
public struct BenchmarkTaskError: UserInputError, Equatable {
  public let path: String
  public let task: String

  public var description: String {
    "\(path): task is \(task), and its steps can not be timed without its data; of language-modeling over "
      + "token files they can, on synthetic tokens"
  }
}
