import Foundation
import LockstepFiles
import LockstepModels
import LockstepSettings
import LockstepWeights

/// How the states of a text's tokens become one vector.
public enum PoolingMode: String, Sendable, CaseIterable {
  /// Their mean.
  case mean
  /// That of the first token.
  case first
  /// That of the last token.
  case last
}

/// How a model's files say that its states become the vector of a text: a directory as Sentence-Transformers writes it,
/// or a GGUF file.
public struct SentencePooling: Sendable, Equatable {
  public var mode: PoolingMode
  /// Whether vectors are divided by their length.
  public var normalizes: Bool
  /// The most tokens of a text; nil: the model's context.
  public var limit: Int?
  /// `config_sentence_transformers.json` as it is, which changes no vector; nil: there is none.
  private var prompts: [UInt8]?

  static let modulesName = "modules.json"
  static let limitsName = "sentence_bert_config.json"
  static let promptsName = "config_sentence_transformers.json"
  private static let names = [modulesName, limitsName, promptsName]

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

  /// What the files of a model say; nil: nothing. Where those of an adapter say nothing, the files of the model that
  /// it belongs to do.
  ///
  /// - Throws: `UnsupportedModelError` for what Lockstep does not compute, by its name; `FileError`, `WeightError`.
  static func said(of trained: TrainedModel) throws -> SentencePooling? {
    for path in [trained.path, trained.base].compactMap(\.self) {
      let found =
        FileSystem.isDirectory(path)
        ? try SentencePooling(in: path, of: trained.kind)
        : try SentencePooling(in: GGUFReader(path: path), of: trained.kind)
      if let found { return found }
    }
    return nil
  }

  /// Reads what a GGUF file says.
  private init?(in file: GGUFReader, of kind: ModelKind) throws {
    let key = Self.ggufKey(architecture: file.metadata["general.architecture"]?.text ?? "")
    guard let value = file.metadata[key], value.integer != 0 else { return nil }
    guard let mode = Self.modes.first(where: { $0.ggufType == value.integer })?.mode else {
      let found = value.integer.map(String.init) ?? "a value of type \(value.type)"
      throw UnsupportedModelError(
        path: file.path,
        reason: "\(key) is \(found); 1 (mean), 2 (first) and 3 (last) are supported")
    }
    self.init(mode: mode, normalizes: false, limit: nil)
  }

  private static func ggufKey(architecture: String) -> String { architecture + ".pooling_type" }

  /// Reads what a directory says.
  private init?(in directory: String, of kind: ModelKind) throws {
    self.init(defaultFor: kind)
    let names = Set(try FileSystem.names(in: directory))
    guard Self.names.contains(where: names.contains) else { return nil }
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
      prompts = try ModelDescription.contents(path)
    }
    guard names.contains(Self.modulesName) else { return }
    try readModules(in: directory)
  }

  private mutating func readModules(in directory: String) throws {
    let path = directory + "/" + Self.modulesName
    let bytes = try ModelDescription.contents(path)
    let node = try JSONNode.value(of: bytes, path: path, expected: "a list of modules")
    guard case .list(let modules) = node else {
      throw UnsupportedModelError(path: path, reason: "not a list of modules: found \(node.kind)")
    }
    var found: [String] = []
    for module in modules {
      guard case .object(let module) = module, case .string(let type)? = module["type"],
        let name = type.split(separator: ".").last.map(String.init)
      else { throw UnsupportedModelError(path: path, reason: "a module has no type") }
      found.append(name)
      switch name {
      case "Transformer": break
      case "Normalize": normalizes = true
      case "Pooling":
        guard case .string(let folder)? = module["path"],
          folder.utf8.first != UInt8(ascii: "/"),
          !folder.unicodeScalars.split(separator: "/").contains(where: { String($0) == ".." })
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

  /// The members of `1_Pooling/config.json` that choose a way, what llama.cpp calls it, and ours.
  private static let modes: [(member: String, ggufType: Int, mode: PoolingMode)] = [
    ("pooling_mode_mean_tokens", 1, .mean), ("pooling_mode_cls_token", 2, .first),
    ("pooling_mode_lasttoken", 3, .last),
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

// MARK: - To be written

extension SentencePooling {
  /// The folder of the pooling's own file.
  static let folder = "1_Pooling"
  /// All names that `write(to:width:)` gives files.
  static let writtenNames = names + [folder]

  /// Writes the files in which Sentence-Transformers looks for this.
  ///
  /// - Parameters:
  ///   - directory: Of the model.
  ///   - width: D.
  func write(to directory: String, width: Int) throws {
    func module(_ index: Int, _ type: String, path: String) -> JSONNode {
      .object([
        "idx": .integer(index), "name": .string("\(index)"), "path": .string(path),
        "type": .string("sentence_transformers.models.\(type)"),
      ])
    }
    var modules = [module(0, "Transformer", path: ""), module(1, "Pooling", path: Self.folder)]
    if normalizes { modules.append(module(2, "Normalize", path: "2_Normalize")) }
    // Where a way is not written, the mean stands for true.
    var ways: [String: JSONNode] = [
      "word_embedding_dimension": .integer(width), "pooling_mode_cls_token": false,
      "pooling_mode_mean_tokens": false, "pooling_mode_max_tokens": false,
    ]
    for known in Self.modes where known.mode == mode { ways[known.member] = true }
    var files = [
      (Self.modulesName, Array(try JSONFormat.encoder(isIndented: true).encode(modules))),
      (Self.folder + "/config.json", try JSONNode.json(of: ways)),
    ]
    if let limit {
      files.append(
        (
          Self.limitsName,
          try JSONNode.json(of: ["max_seq_length": .integer(limit), "do_lower_case": false])
        ))
    }
    if let prompts { files.append((Self.promptsName, prompts)) }
    _ = try FileSystem.makeDirectory(directory + "/" + Self.folder)
    for (name, bytes) in files { try AtomicFile.write(bytes, to: directory + "/" + name) }
  }

  /// What a GGUF file says of this.
  ///
  /// - Parameter architecture: `general.architecture` of the file.
  func ggufMetadata(architecture: String) -> [(key: String, value: GGUFValue)] {
    Self.modes.filter { $0.mode == mode }.map {
      (Self.ggufKey(architecture: architecture), .uint32(UInt32($0.ggufType)))
    }
  }

  /// What of this a GGUF file has no word for.
  var ggufLacks: [String] {
    (normalizes ? ["Normalize of \(Self.modulesName)"] : [])
      + (limit == nil ? [] : ["max_seq_length of \(Self.limitsName)"])
      + (prompts == nil ? [] : [Self.promptsName])
  }
}

extension TrainedModel {
  /// How the model makes vectors of texts, to be written with it; nil: its files do not say, or say what Lockstep does
  /// not compute, which is told then.
  ///
  /// - Throws: `FileError`, `WeightError`.
  func writtenPooling() throws -> (pooling: SentencePooling?, leftOut: [String]) {
    guard [.language, .maskedLanguage, .encoder].contains(kind) else { return (nil, []) }
    do {
      return (try SentencePooling.said(of: self), [])
    } catch let error as UnsupportedModelError {
      return (nil, ["\(error)"])
    }
  }
}
