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
  /// `GPT2ForSequenceClassification`: with a head for classes of texts; nil: there is none.
  let classifierName: String?
  /// What the network is called with, the tokens first.
  let inputNames: [String]
  let keys: [InterchangeKey<Configuration>]
  /// What the names of tensors mean, beside those of the parameters.
  let weightNames: (Configuration) -> WeightNames

  /// - Parameters:
  ///   - classifierName: With a head for classes of texts. Default: nil, there is none.
  ///   - inputNames: What the network is called with, the tokens first. Default: these, and which of them
  ///     belong to a text.
  ///   - weightNames: What files write otherwise than Lockstep, or in addition. Default: nothing.
  ///   - keys: All members that the architecture's files have, but those of any architecture's.
  init(
    modelType: String, className: String, classifierName: String? = nil,
    inputNames: [String] = ["input_ids", "attention_mask"],
    weightNames: @escaping (Configuration) -> WeightNames = { _ in .own },
    keys: [InterchangeKey<Configuration>]
  ) {
    self.modelType = modelType
    self.className = className
    self.classifierName = classifierName
    self.inputNames = inputNames
    self.weightNames = weightNames
    self.keys = keys + InterchangeKey.ofAnyArchitecture
  }

  /// - Parameters:
  ///   - classes: The names of the classes that a head sorts texts into; nil: there is no such head.
  ///   - asksOfEachClass: Whether each class is a question of its own, answered by yes or no.
  ///   - elementType: Of the tensors beside the file, as PyTorch calls it.
  /// - Returns: A file's bytes, members in alphabetical order; nil where there is no network with such a head.
  func encode(
    _ configuration: Configuration, _ context: InterchangeContext, classes: [String]?,
    asksOfEachClass: Bool, elementType: String
  ) throws -> [UInt8]? {
    var members: [String: JSONNode] = [
      "model_type": .string(modelType), "architectures": .list([.string(className)]),
      "torch_dtype": .string(elementType),
    ]
    for key in keys { members.merge(key.write(configuration, context)) { $1 } }
    if let classes {
      guard let classifierName else { return nil }
      precondition(
        Set(classes).count == classes.count, "classes \(classes) do not have different names")
      let numbered = classes.enumerated()
      members["architectures"] = .list([.string(classifierName)])
      members["id2label"] = .object(
        Dictionary(uniqueKeysWithValues: numbered.map { ("\($0)", .string($1)) }))
      members["label2id"] = .object(
        Dictionary(uniqueKeysWithValues: numbered.map { ($1, .integer($0)) }))
      members["problem_type"] =
        asksOfEachClass ? "multi_label_classification" : "single_label_classification"
    }
    return try JSONNode.json(of: members)
  }

  /// Reads what a file says.
  ///
  /// - Parameters:
  ///   - members: Of the file.
  ///   - path: Named in errors.
  /// - Throws: `UnsupportedModelError` with everything that Lockstep can not compute.
  func decode(
    _ members: [String: JSONNode], path: String
  ) throws(UnsupportedModelError) -> (configuration: Configuration, notices: [String]) {
    try InterchangeKey.decode(members, by: keys, harmless: HuggingFaceJSON.harmless, path: path)
  }
}

extension InterchangeKey {
  /// Members that any architecture's file may have, and that are not written.
  fileprivate static var ofAnyArchitecture: [Self] {
    [.accepted("is_encoder_decoder", false), .accepted("pruned_heads", .object([:]))]
  }
}

/// A network that another program described.
public struct ForeignModel: Sendable {
  public let configuration: ModelConfiguration
  /// What a user should know of how the description was read, a line each; usually nothing.
  public let notices: [String]
}

extension Architecture {
  /// The network's description as Hugging Face's `config.json`; nil where `transformers` has no such
  /// network.
  ///
  /// - Parameters:
  ///   - classes: The names of the classes that a head sorts texts into, all different, in the order of their
  ///     numbers; nil: it has the architecture's own head. Default: nil.
  ///   - asksOfEachClass: Whether each class is a question of its own, answered by yes or no. Default: false, a text
  ///     has one of them.
  ///   - vocabularyCount: V, where the configuration does not name one itself.
  ///   - beginOfText: The id of the token that begins a text. Default: that which ends it.
  ///   - endOfText: The id of the token that ends a text, and stands between documents; nil: none.
  ///   - elementType: Of the tensors beside the file, as PyTorch calls it. Default: `float32`.
  public func huggingFaceJSON(
    classes: [String]? = nil, asksOfEachClass: Bool = false, vocabularyCount: Int,
    beginOfText: Int? = nil, endOfText: Int?, elementType: String = "float32"
  ) throws -> [UInt8]? {
    try Self.huggingFace?.encode(
      self,
      InterchangeContext(
        vocabularyCount: vocabulary ?? vocabularyCount, beginOfText: beginOfText ?? endOfText,
        endOfText: endOfText), classes: classes, asksOfEachClass: asksOfEachClass,
      elementType: elementType)
  }

  /// What `transformers` calls the network with, the tokens first; none where it has no such network.
  public var huggingFaceInputNames: [String] { Self.huggingFace?.inputNames ?? [] }

  /// What the names in files of this network's tensors mean, beside those of the parameters.
  public var weightNames: WeightNames { Self.huggingFace?.weightNames(self) ?? .own }

  /// Reads Hugging Face's `config.json`; nil where it is another architecture's.
  fileprivate static func read(
    _ members: [String: JSONNode], path: String
  ) throws(UnsupportedModelError) -> ForeignModel? {
    for format in [huggingFace].compactMap(\.self) + furtherHuggingFace
    where members["model_type"] == .string(format.modelType) {
      let (configuration, notices) = try format.decode(members, path: path)
      return ForeignModel(configuration: ModelConfiguration(configuration), notices: notices)
    }
    return nil
  }

  fileprivate static var modelTypes: [String] {
    ([huggingFace].compactMap(\.self) + furtherHuggingFace).map(\.modelType)
  }
}

extension ForeignModel {
  /// Reads Hugging Face's `config.json`.
  ///
  /// - Parameter path: Named in errors.
  /// - Throws: `UnsupportedModelError` where the file describes a model that Lockstep would not compute
  ///   as `transformers` does: another architecture, a member that is unknown, or a value that is not
  ///   supported.
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    let members = try JSONNode.members(of: bytes, path: path)
    for architecture in ModelConfiguration.architectures {
      if let found = try architecture.read(members, path: path) {
        self = found
        return
      }
    }
    let known = ModelConfiguration.architectures.flatMap { $0.modelTypes }
    throw UnsupportedModelError(
      path: path,
      reason: "model_type is \(members["model_type"] ?? .null); "
        + "\(known.dropLast().joined(separator: ", ")) and \(known.last ?? "") are supported")
  }
}

extension ModelConfiguration {
  /// The network's description as Hugging Face's `config.json`; nil where `transformers` has no such
  /// network.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8]? {
    try architecture.huggingFaceJSON(vocabularyCount: vocabularyCount, endOfText: endOfText)
  }

  /// Reads Hugging Face's `config.json`: as of `ForeignModel`.
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    self = try ForeignModel(huggingFaceJSON: bytes, path: path).configuration
  }
}
