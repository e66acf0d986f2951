import Foundation
import LockstepFiles
import LockstepModels
import LockstepSettings

/// How the states of a text's tokens become one vector.
public enum PoolingMode: String, Sendable, CaseIterable {
  /// Their mean.
  case mean
  /// That of the first token.
  case first
  /// That of the last token.
  case last
}

/// How a model's directory says that its states become the vector of a text, as Sentence-Transformers writes it.
public struct SentencePooling: Sendable, Equatable {
  public var mode: PoolingMode
  /// Whether vectors are divided by their length.
  public var normalizes: Bool
  /// The most tokens of a text; nil: the model's context.
  public var limit: Int?

  static let modulesName = "modules.json"
  static let limitsName = "sentence_bert_config.json"
  static let promptsName = "config_sentence_transformers.json"

  /// - Parameter kind: Of the model. An encoder's states are averaged. Of a model that continues texts the last state
  ///   is taken: no other has seen the whole text.
  init(defaultFor kind: ModelKind) {
    self.init(mode: kind == .language ? .last : .mean, normalizes: false, limit: nil)
  }

  init(mode: PoolingMode, normalizes: Bool, limit: Int?) {
    self.mode = mode
    self.normalizes = normalizes
    self.limit = limit
  }

  /// Reads what a directory says.
  ///
  /// - Parameters:
  ///   - directory: Of a model.
  ///   - kind: Of the model, for what the directory does not say.
  /// - Throws: `UnsupportedModelError` for what Lockstep does not compute, by its name; `FileError`.
  init(in directory: String, of kind: ModelKind) throws {
    self.init(defaultFor: kind)
    let names = Set(try FileSystem.names(in: directory))
    if names.contains(Self.limitsName) {
      let path = directory + "/" + Self.limitsName
      let members = try Self.members(path)
      switch members["max_seq_length"] ?? .null {
      case .null: break
      case .integer(let count) where count >= 1: limit = count
      case let other:
        throw UnsupportedModelError(
          path: path, reason: "max_seq_length is \(other), expected a number from 1")
      }
      if members["do_lower_case"] == .bool(true) {
        throw UnsupportedModelError(
          path: path, reason: "do_lower_case is true; false is supported")
      }
    }
    if names.contains(Self.promptsName) {
      let path = directory + "/" + Self.promptsName
      if let prompt = try Self.members(path)["default_prompt_name"], prompt != .null {
        throw UnsupportedModelError(
          path: path, reason: "default_prompt_name is \(prompt); null is supported")
      }
    }
    guard names.contains(Self.modulesName) else { return }
    try readModules(in: directory)
  }

  private mutating func readModules(in directory: String) throws {
    let path = directory + "/" + Self.modulesName
    let bytes = try ModelDescription.contents(path)
    let modules: [[String: JSONNode]]
    do {
      modules = try JSONFormat.decoder.decode([[String: JSONNode]].self, from: Data(bytes))
    } catch {
      throw UnsupportedModelError(path: path, reason: "not a list of modules: \(error)")
    }
    var found: [String] = []
    for module in modules {
      guard case .string(let type)? = module["type"],
        let name = type.split(separator: ".").last.map(String.init)
      else { throw UnsupportedModelError(path: path, reason: "a module has no type") }
      found.append(name)
      switch name {
      case "Transformer": break
      case "Normalize": normalizes = true
      case "Pooling":
        guard case .string(let folder)? = module["path"], !folder.hasPrefix("/"),
          !folder.split(separator: "/").contains("..")
        else { throw UnsupportedModelError(path: path, reason: "Pooling has no path") }
        mode = try Self.mode(directory + "/" + folder + "/config.json")
      default:
        throw UnsupportedModelError(
          path: path,
          reason: "module \(type) is not supported; "
            + "Transformer, Pooling and Normalize are, in this order")
      }
    }
    guard [["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]].contains(found)
    else {
      throw UnsupportedModelError(
        path: path,
        reason: "the modules are \(found.joined(separator: ", ")); Transformer, Pooling and, "
          + "where there is one, Normalize are supported")
    }
  }

  /// The members of `1_Pooling/config.json` that choose a way, and ours where there is one.
  private static let modes: [(member: String, mode: PoolingMode)] = [
    ("pooling_mode_mean_tokens", .mean), ("pooling_mode_cls_token", .first),
    ("pooling_mode_lasttoken", .last),
  ]
  /// The same in one word, as newer versions write it.
  private static let words: [String: PoolingMode] = [
    "mean": .mean, "cls": .first, "lasttoken": .last,
  ]

  private static func mode(_ path: String) throws -> PoolingMode {
    let members = try members(path)
    if case .string(let word)? = members["pooling_mode"] {
      guard let mode = words[word] else {
        throw UnsupportedModelError(
          path: path, reason: "pooling_mode is \(word); mean, cls and lasttoken are supported")
      }
      return mode
    }
    let chosen = members.filter { $0.key.hasPrefix("pooling_mode_") && $0.value == .bool(true) }
      .keys.sorted()
    guard chosen.count == 1, let mode = modes.first(where: { $0.member == chosen[0] })?.mode else {
      let found = chosen.isEmpty ? "nothing" : chosen.joined(separator: " and ")
      throw UnsupportedModelError(
        path: path,
        reason: "the states are pooled by \(found); "
          + "one of \(modes.map(\.member).joined(separator: ", ")) is supported")
    }
    return mode
  }

  private static func members(_ path: String) throws -> [String: JSONNode] {
    try JSONNode.members(
      of: ModelDescription.contents(path), path: path, expected: "a JSON object")
  }
}
