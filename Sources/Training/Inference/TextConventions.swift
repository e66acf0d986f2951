import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepModels

/// What a model's files say of how texts begin and end, and how a conversation is written as a text.
public struct TextConventions: Equatable, Sendable {
  /// A token with a task, as `tokenizer_config.json` calls it.
  public enum Role: String, Sendable, CaseIterable {
    case beginOfText = "bos_token"
    case endOfText = "eos_token"
    case unknown = "unk_token"
    case separator = "sep_token"
    case classification = "cls_token"
    case padding = "pad_token"
    case mask = "mask_token"
  }

  /// In Jinja; nil where there is none.
  public var chatTemplate: String?
  /// The names of tokens with a task.
  public var names: [Role: String] = [:]
  /// Tokens that end an answer besides that which ends a text, by their names.
  public var furtherEnds: [String] = []
  /// What `transformers` calls the model with, the tokens first; nil: the files do not say.
  var inputNames: [String]?
  /// What a user should know of how the files were read, a line each; usually nothing.
  var notices: [String] = []

  public init() {}

  /// The name of the token that begins a text; nil where there is none.
  public var beginOfTextName: String? { names[.beginOfText] }

  /// The names of the tokens that end a text, or an answer; each once.
  public var endOfTextNames: [String] {
    var found = [names[.endOfText]].compactMap(\.self)
    for name in furtherEnds where !found.contains(name) { found.append(name) }
    return found
  }
}

// MARK: - Directories

extension TextConventions {
  static let templateName = "chat_template.jinja"
  static let tokenizerName = "tokenizer.json"
  static let tokenizerConfigurationName = "tokenizer_config.json"
  static let specialTokensName = "special_tokens_map.json"
  static let generationName = "generation_config.json"

  /// Reads what Hugging Face's programs write beside a tokenizer.
  ///
  /// - Parameters:
  ///   - names: Of the directory's files.
  ///   - tokenizer: Of the directory.
  /// - Throws: `UnsupportedModelError` where one of the files is no JSON object;
  ///   `TokenizerContradictionError`.
  init(in directory: String, names files: Set<String>, tokenizer: (any Tokenizer)?) throws {
    func members(_ name: String) throws -> [String: JSONNode] {
      guard files.contains(name) else { return [:] }
      let path = directory + "/" + name
      return try JSONNode.members(
        of: ModelDescription.contents(path), path: path, expected: "a JSON object")
    }
    let configuration = try members(Self.tokenizerConfigurationName)
    let map = try members(Self.specialTokensName)
    if let tokenizer, files.contains(Self.tokenizerName) {
      let path = directory + "/" + Self.tokenizerConfigurationName
      let found = TokenizerContradictions(of: configuration, tokenizer)
      guard found.errors.isEmpty else {
        throw TokenizerContradictionError(path: path, contradictions: found.errors)
      }
      notices = found.notices.map { "\(path): \($0)" }
    }
    for role in Role.allCases {
      names[role] = (configuration[role.rawValue] ?? map[role.rawValue])?.tokenName
    }
    if case .list(let found)? = configuration["model_input_names"] {
      let words = found.compactMap { if case .string(let word) = $0 { word } else { nil } }
      if !words.isEmpty, words.count == found.count { inputNames = words }
    }
    // A tokenizer of Lockstep's own has nothing beside it that says how texts end. WordPiece has no such
    // token: "[SEP]" stands between sentences.
    if configuration.isEmpty, names[.endOfText] == nil, let tokenizer,
      let end = tokenizer.endOfText,
      tokenizer.kind != .wordPiece
    {
      names[.endOfText] = tokenizer.name(of: end)
    }
    chatTemplate =
      try files.contains(Self.templateName)
      ? String(
        decoding: ModelDescription.contents(directory + "/" + Self.templateName), as: UTF8.self)
      : configuration["chat_template"]?.template
    for id in try members(Self.generationName)["eos_token_id"]?.integers ?? [] {
      guard let token = Int32(exactly: id), let tokenizer, tokenizer.vocabulary.contains(token)
      else { continue }
      furtherEnds.append(tokenizer.name(of: token))
    }
  }
}

extension Tokenizer {
  fileprivate func name(of token: Int32) -> String {
    String(decoding: vocabulary.bytes(of: token), as: UTF8.self)
  }
}

extension JSONNode {
  /// The name of a token, written as such or with how it is looked for.
  fileprivate var tokenName: String? {
    switch self {
    case .string(let name): name
    case .object(let members): members["content"]?.tokenName
    default: nil
    }
  }

  /// A template, or of several the one that is called so.
  fileprivate var template: String? {
    switch self {
    case .string(let text): return text
    case .list(let templates):
      for case .object(let members) in templates where members["name"] == "default" {
        return members["template"]?.template
      }
      return nil
    default: return nil
    }
  }

  /// A number, or several.
  fileprivate var integers: [Int] {
    switch self {
    case .integer(let value): [value]
    case .list(let values): values.flatMap(\.integers)
    default: []
    }
  }
}

extension TextConventions {
  /// Reads what stands beside a tokenizer.
  ///
  /// - Parameters:
  ///   - path: Of the `tokenizer.json`.
  ///   - tokenizer: Which was read from it.
  /// - Throws: As ``init(in:names:tokenizer:)``.
  init(beside path: String, _ tokenizer: any Tokenizer) throws {
    let directory = FileSystem.parent(of: path)
    var names = Set(try FileSystem.namesIfAny(in: directory))
    // Under another name it is not the one that the other files are about.
    if !path.hasSuffix(Self.tokenizerName) { names.remove(Self.tokenizerName) }
    try self.init(in: directory, names: names, tokenizer: tokenizer)
  }

  /// Checks that what stands beside a tokenizer does not say otherwise than the tokenizer itself.
  ///
  /// - Parameter path: Of the `tokenizer.json`.
  /// - Throws: `TokenizerContradictionError`; `UnsupportedModelError` where one of the files can not be understood;
  ///   `FileError`; `TokenizerError`.
  public static func requireAgreement(besideTokenizerAt path: String) throws {
    _ = try TextConventions(beside: path, TokenizerFile.load(path))
  }

  private static let fileNames = [
    tokenizerConfigurationName, templateName, generationName, specialTokensName,
  ]

  /// The files beside a tokenizer that say how texts begin and end and how conversations are written, as they are:
  /// each checkpoint of a run carries them on.
  ///
  /// - Parameter tokenizer: The path of `tokenizer.json`.
  /// - Returns: The files, and what they say.
  /// - Throws: `UnsupportedModelError` where one of them can not be understood; `FileError`; as
  ///   ``init(beside:_:)``.
  static func files(
    beside tokenizer: String
  ) throws -> (files: [(name: String, bytes: [UInt8])], conventions: TextConventions) {
    let directory = FileSystem.parent(of: tokenizer)
    let names = Set(try FileSystem.namesIfAny(in: directory))
    let conventions = try TextConventions(beside: tokenizer, TokenizerFile.load(tokenizer))
    let files = try fileNames.filter(names.contains).map { name in
      (name, try ModelDescription.contents(directory + "/" + name))
    }
    return (files, conventions)
  }
}

// MARK: - To be written

extension TextConventions {
  /// The files in which Hugging Face's programs look for this, beside a `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - architecture: The model's.
  ///   - tokenizer: Of the directory.
  func files(
    for architecture: any Architecture, tokenizer: any Tokenizer
  ) throws -> [(name: String, bytes: [UInt8])] {
    var members: [String: JSONNode] = [
      "tokenizer_class": "PreTrainedTokenizerFast",
      "model_max_length": .integer(architecture.context),
      "clean_up_tokenization_spaces": false,
      // Without it, versions of transformers before 5 give every model types of tokens, too: GPT-2 adds their
      // vectors to its input, and Llama refuses to generate.
      "model_input_names": .list(
        (inputNames ?? architecture.huggingFaceInputNames).map { .string($0) }),
    ]
    for (role, name) in names { members[role.rawValue] = .string(name) }
    var files = [(Self.tokenizerConfigurationName, try JSONNode.json(of: members))]
    if let chatTemplate { files.append((Self.templateName, Array(chatTemplate.utf8))) }
    var generation: [String: JSONNode] = [:]
    generation["bos_token_id"] = id(beginOfTextName, tokenizer).map(JSONNode.integer)
    let ends = endOfTextNames.compactMap { id($0, tokenizer) }.map(JSONNode.integer)
    generation["eos_token_id"] = ends.count == 1 ? ends[0] : ends.isEmpty ? nil : .list(ends)
    generation["pad_token_id"] = id(names[.padding], tokenizer).map(JSONNode.integer)
    if !generation.isEmpty {
      files.append((Self.generationName, try JSONNode.json(of: generation)))
    }
    return files
  }

  /// The id of the token of a name.
  func id(_ name: String?, _ tokenizer: any Tokenizer) -> Int? {
    name.flatMap { tokenizer.vocabulary.id(ofSpecial: $0) }.map { Int($0) }
  }
}
