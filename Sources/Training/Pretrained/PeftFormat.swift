import Foundation
import LockstepFiles
import LockstepModels
import LockstepNeuralNetworks
import LockstepSettings
import LockstepWeights

/// An adapter as Hugging Face's `peft` has it on disk: `adapter_config.json`, and `adapter_model.safetensors`,
/// whose tensors are named as the model's, behind `base_model.model.`.
enum PeftFormat {
  static let configurationName = "adapter_config.json"
  static let weightsName = "adapter_model.safetensors"
  private static let prefix = "base_model.model."
  /// Ends the name of a layer in the name of its first factor.
  private static let factorEnding = ".lora_A.weight"

  /// The name of a parameter of an adapter in the file.
  static func name(ofParameter name: String) -> String { prefix + name }

  /// What names in such a file mean.
  ///
  /// - Parameter model: What those in files of the model mean. What may be left out there, where only the network
  ///   without its head was saved, may be left out here.
  static func names(of model: WeightNames) -> WeightNames {
    WeightNames(
      optionalPrefix: model.optionalPrefix, spellings: [.init(prefix, means: "")])
  }

  /// Those layers of a module that have an adapter, as the names of a file's tensors say.
  ///
  /// - Parameter model: As of `names(of:)`.
  static func layers(
    of module: any Module, in source: any WeightSource, _ model: WeightNames
  ) -> [AdaptableLayer] {
    let all = module.adaptableLayers
    let (known, names) = (Set(all.map(\.name)), names(of: model))
    let found = Set(
      source.tensors.map(\.name).filter { $0.hasSuffix(factorEnding) }.compactMap {
        names.parameter(of: String($0.dropLast(factorEnding.count)), among: known)
      })
    return all.filter { found.contains($0.name) }
  }

  /// What a model does.
  enum Task: String {
    case language = "CAUSAL_LM"
    case classification = "SEQ_CLS"
  }

  /// `adapter_config.json`.
  ///
  /// - Parameters:
  ///   - configuration: The `adapter` section.
  ///   - layers: Names of the layers that have an adapter.
  ///   - all: Names of all layers that can have one.
  ///   - base: Where the model is that the adapter belongs to.
  ///   - storesInputsFirst: Whether the model's weights are [inputs, outputs].
  ///   - task: What the model does, as far as `peft` has a word for it; nil: it has none.
  ///   - heads: Names of the modules that are stored whole.
  static func configuration(
    _ configuration: LowRankConfiguration, method: AdapterConfiguration.Method, layers: [String],
    all: [String], base: String?, storesInputsFirst: Bool, task: Task?, heads: [String]
  ) throws -> [UInt8] {
    var isDora = false
    var isRankStabilized = false
    switch method {
    case .dora: isDora = true
    case .rankStabilized: isRankStabilized = true
    case .none, .lora: break
    }
    let description = Description(
      peftType: "LORA", baseModel: base, taskType: task?.rawValue,
      rank: configuration.rank, alpha: configuration.alpha, dropout: configuration.dropout,
      targets: shortNames(of: layers, among: all), storesInputsFirst: storesInputsFirst,
      isDora: isDora, isRankStabilized: isRankStabilized, heads: heads.isEmpty ? nil : heads)
    let encoder = JSONFormat.encoder(isIndented: true)
    return Array(try encoder.encode(description)) + [UInt8(ascii: "\n")]
  }

  /// The ends of names that mean these layers and no others; the full names where there are none.
  private static func shortNames(of layers: [String], among all: [String]) -> [String] {
    func end(_ name: String) -> String {
      name.split(separator: ".").last.map(String.init) ?? name
    }
    let ends = Set(layers.map(end))
    return all.allSatisfy { !ends.contains(end($0)) || layers.contains($0) }
      ? ends.sorted() : layers
  }

  private struct Description: Encodable {
    let peftType: String
    let baseModel: String?
    let taskType: String?
    let rank: Int
    let alpha: Double
    let dropout: Double
    let targets: [String]
    let storesInputsFirst: Bool
    let isDora: Bool
    let isRankStabilized: Bool
    let heads: [String]?
    let bias = "none"
    let isForInference = true

    enum CodingKeys: String, CodingKey {
      case rank = "r"
      case alpha = "lora_alpha"
      case dropout = "lora_dropout"
      case targets = "target_modules"
      case storesInputsFirst = "fan_in_fan_out"
      case isDora = "use_dora"
      case isRankStabilized = "use_rslora"
      case isForInference = "inference_mode"
      case peftType = "peft_type"
      case baseModel = "base_model_name_or_path"
      case taskType = "task_type"
      case heads = "modules_to_save"
      case bias
    }
  }
}

extension PeftFormat {
  /// Reads `adapter_config.json`.
  ///
  /// - Parameter directory: Of the adapter.
  /// - Returns: The method with its keys, its targets left to the tensors; and the model that the file names.
  /// - Throws: `FileError`; `UnsupportedModelError` where it is no JSON object; `DescriptionError` with
  ///   everything that Lockstep can not do.
  static func read(
    _ directory: String
  ) throws -> (method: AdapterConfiguration.Method, base: String?) {
    let path = directory + "/" + configurationName
    let bytes = try MappedFile(path: path).withBytes { Array($0) }
    var reader = MemberReader(
      members: try JSONNode.members(of: bytes, path: path, expected: "a JSON object"))
    reader.requireKnown()
    let keys = reader.lowRank()
    let (isDora, isRankStabilized) = (reader.isTrue("use_dora"), reader.isTrue("use_rslora"))
    if isDora && isRankStabilized {
      reader.problems.append("use_dora and use_rslora: found both, expected one of them at most")
    }
    guard reader.problems.isEmpty else {
      throw DescriptionError(path: path, problems: reader.problems)
    }
    let method: AdapterConfiguration.Method =
      isDora ? .dora(keys) : isRankStabilized ? .rankStabilized(keys) : .lora(keys)
    var base: String?
    if case .string(let name) = reader.members["base_model_name_or_path"] ?? .null { base = name }
    return (method, base)
  }

  /// Reads the members of the file, and keeps what is wrong with them.
  private struct MemberReader {
    let members: [String: JSONNode]
    var problems: [String] = []

    mutating func number(_ name: String, absent: Double) -> Double {
      switch members[name] ?? .null {
      case .null: return absent
      case .integer(let value): return Double(value)
      case .number(let value): return value
      case let other:
        problems.append("\(name): found \(other), expected a number")
        return absent
      }
    }

    mutating func isTrue(_ name: String) -> Bool {
      switch members[name] ?? .null {
      case .null: return false
      case .bool(let value): return value
      case let other:
        problems.append("\(name): found \(other), expected true or false")
        return false
      }
    }

    /// Refuses what Lockstep does not have.
    mutating func requireKnown() {
      if let type = members["peft_type"], type != .string("LORA") {
        problems.append("peft_type: found \(type), expected LORA")
      }
      for (name, value) in members.sorted(by: { $0.key < $1.key })
      where !known.contains(name) && !isNothing(value) {
        problems.append("\(name): found \(value), which is not supported; expected nothing")
      }
      if let bias = members["bias"], bias != .string("none"), bias != .null {
        problems.append("bias: found \(bias), expected none")
      }
      if let problem = problem(ofStart: members["init_lora_weights"] ?? .null) {
        problems.append(problem)
      }
    }

    /// Rank, scale and dropout.
    mutating func lowRank() -> LowRankConfiguration {
      var keys = LowRankConfiguration()
      let rank = number("r", absent: 8)
      if rank >= 1, rank <= 65_536, rank == rank.rounded() {
        keys.rank = Int(rank)
      } else {
        problems.append("r: found \(rank), expected a whole number from 1 to 65536")
      }
      keys.alpha = number("lora_alpha", absent: 8)
      // What is computed with has 24 bits: 0.99999999 would be 1, and 1e-50 would be 0.
      if !(Float(keys.alpha) > 0 && Float(keys.alpha).isFinite) {
        problems.append("lora_alpha: found \(keys.alpha), expected a number above 0")
      }
      keys.dropout = number("lora_dropout", absent: 0)
      if !(keys.dropout >= 0 && Float(keys.dropout) < 1) {
        problems.append("lora_dropout: found \(keys.dropout), expected a number from 0 to below 1")
      }
      return keys
    }
  }

  /// What is wrong with how the factors began; nil: nothing. Some ways take the beginning of the factors'
  /// product away from the model's weights (PiSSA, OLoRA, CorDA), or round these (LoftQ): such an adapter is
  /// one of weights that only `peft` makes again, and with the model's own it gives something else.
  private static func problem(ofStart start: JSONNode) -> String? {
    switch start {
    case .null, .bool: return nil
    case .string(let name) where keepingWeights.contains(name.lowercased()): return nil
    default:
      let expected = keepingWeights.map { "\"\($0)\"" }.joined(separator: ", ")
      return
        "init_lora_weights: found \(start), which may have changed the model's own weights; expected "
        + "\(expected), true or false. Have peft make an adapter of the unchanged model: "
        + "save_pretrained(…, path_initial_model_for_weight_conversion=…)"
    }
  }

  /// Ways to begin that leave the model's weights as they are.
  private static let keepingWeights = ["eva", "gaussian", "mica", "orthogonal"]

  /// Members that are read, and those that do not change what the adapter computes.
  private static let known: Set<String> = [
    "peft_type", "r", "lora_alpha", "lora_dropout", "bias", "use_dora", "use_rslora",
    "base_model_name_or_path", "target_modules", "fan_in_fan_out", "task_type", "inference_mode",
    "init_lora_weights", "revision", "auto_mapping", "peft_version", "ensure_weight_tying",
    "megatron_core", "exclude_modules", "corda_config", "eva_config", "loftq_config",
    "runtime_config", "ephemeral_gpu_offload", "qalora_group_size",
    // Its tensors are in the file, and have their places or none.
    "modules_to_save",
  ]

  /// Whether a member asks for nothing.
  private static func isNothing(_ value: JSONNode) -> Bool {
    switch value {
    case .null, .bool(false), .list([]), .object([:]): true
    default: false
    }
  }
}
