import Foundation
import LockstepSettings
import LockstepWeights

/// How Hugging Face's `transformers` writes an architecture: `config.json`, both ways, and the names of
/// its tensors.
public struct HuggingFaceFormat<Configuration: Architecture> {
  /// `gpt2`.
  let modelType: String
  /// `GPT2LMHeadModel`.
  let className: String
  let keys: [HuggingFaceKey<Configuration>]
  /// What the names of tensors mean, beside those of the parameters.
  let weightNames: (Configuration) -> WeightNames

  /// - Parameters:
  ///   - weightNames: What files write otherwise than Lockstep, or in addition. Default: nothing.
  ///   - keys: All members that the architecture's files have, but those of any architecture's.
  init(
    modelType: String, className: String,
    weightNames: @escaping (Configuration) -> WeightNames = { _ in .own },
    keys: [HuggingFaceKey<Configuration>]
  ) {
    self.modelType = modelType
    self.className = className
    self.weightNames = weightNames
    self.keys = keys + HuggingFaceKey.common
  }

  /// - Returns: A file's bytes, members in alphabetical order.
  func encode(
    _ configuration: Configuration, _ context: HuggingFaceContext
  ) throws -> [UInt8] {
    var members: [String: JSONNode] = [
      "model_type": .string(modelType), "architectures": .list([.string(className)]),
      "torch_dtype": "float32",
    ]
    for key in keys { members.merge(key.write(configuration, context)) { $1 } }
    return try HuggingFaceJSON.encode(members)
  }

  /// Reads what a file says.
  ///
  /// - Parameters:
  ///   - members: Of the file.
  ///   - path: Named in errors.
  /// - Throws: `UnsupportedModelError` with everything that Lockstep can not compute.
  func decode(
    _ members: [String: JSONNode], path: String
  ) throws(UnsupportedModelError) -> Configuration {
    var reasons: [String] = []
    func gather(_ body: () throws(HuggingFaceKey<Configuration>.Refusal) -> Void) {
      do throws(HuggingFaceKey<Configuration>.Refusal) {
        try body()
      } catch {
        reasons.append(error.reason)
      }
    }
    var entries: [SettingNode.Entry] = []
    for key in keys {
      gather { () throws(HuggingFaceKey<Configuration>.Refusal) in
        guard let value = try key.read(members), let setting = key.setting else { return }
        entries.append(SettingNode.Entry(setting, value))
      }
    }
    let known = Set(keys.flatMap(\.names)).union(HuggingFaceJSON.harmless)
    for (name, value) in members.sorted(by: { $0.key < $1.key })
    where !known.contains(name) && value != .null {
      reasons.append(
        "\(name) \(value) is unknown, and might change what the model computes; take it out of the "
          + "file if it does not")
    }
    var found: Configuration?
    do throws(ConfigurationError) {
      found = try Configuration(settings: SettingNode(.map(entries)))
    } catch {
      reasons += error.violations.filter { !reasons.isReported(name(of: $0.path)) }.map {
        Violation($0.problem, at: SettingPath(description: name(of: $0.path)), origin: nil)
          .description
      }
    }
    if let found {
      for key in keys {
        gather { () throws(HuggingFaceKey<Configuration>.Refusal) in
          try key.check(members, found)
        }
      }
    }
    guard let found, reasons.isEmpty else {
      throw UnsupportedModelError(path: path, reason: reasons.joined(separator: "; "))
    }
    return found
  }

  /// What the file calls a key of the configuration.
  private func name(of path: SettingPath) -> String {
    keys.first { $0.setting == path.description }?.names.first ?? path.description
  }
}

extension [String] {
  /// Whether one of these reasons speaks of a member already.
  fileprivate func isReported(_ name: String) -> Bool { contains { $0.hasPrefix(name + " ") } }
}

extension Architecture {
  /// The network's description as Hugging Face's `config.json`; nil where `transformers` has no such
  /// network.
  ///
  /// - Parameters:
  ///   - vocabularyCount: V, where the configuration does not name one itself.
  ///   - endOfText: The id of the token between documents; nil: none.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8]? {
    try Self.huggingFace?.encode(
      self,
      HuggingFaceContext(
        vocabularyCount: vocabulary ?? vocabularyCount, endOfText: endOfText))
  }

  /// What the names in files of this network's tensors mean, beside those of the parameters.
  public var weightNames: WeightNames { Self.huggingFace?.weightNames(self) ?? .own }

  /// Reads Hugging Face's `config.json`; nil where it is another architecture's.
  fileprivate static func read(
    _ members: [String: JSONNode], path: String
  ) throws(UnsupportedModelError) -> ModelConfiguration? {
    guard let huggingFace, members["model_type"] == .string(huggingFace.modelType) else {
      return nil
    }
    return ModelConfiguration(try huggingFace.decode(members, path: path))
  }

  fileprivate static var modelType: String? { huggingFace?.modelType }
}

extension ModelConfiguration {
  /// The network's description as Hugging Face's `config.json`; nil where `transformers` has no such
  /// network.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8]? {
    try architecture.huggingFaceJSON(vocabularyCount: vocabularyCount, endOfText: endOfText)
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Parameter path: Named in errors.
  /// - Throws: `UnsupportedModelError` where the file describes a model that Lockstep would not compute
  ///   as `transformers` does: another architecture, a member that is unknown, or a value that is not
  ///   supported.
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    let members = try HuggingFaceJSON.decode(bytes, path: path)
    for architecture in Self.architectures {
      if let found = try architecture.read(members, path: path) {
        self = found
        return
      }
    }
    let known = Self.architectures.compactMap { $0.modelType }
    throw UnsupportedModelError(
      path: path,
      reason: "model_type is \(members["model_type"] ?? .null); "
        + "\(known.dropLast().joined(separator: ", ")) and \(known.last ?? "") are supported")
  }
}
