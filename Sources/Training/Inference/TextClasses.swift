import Foundation
import LockstepFiles
import LockstepModels
import LockstepSettings

/// The classes that a model sorts texts into: `classes.json` in each of its checkpoints.
public struct TextClasses: Codable, Sendable, Equatable {
  static let fileName = "classes.json"

  /// What files call them, in the order of their numbers.
  public let labels: [String]
  /// What people call them; nil: the same.
  private let ownNames: [String]?
  /// Whether each class is a question of its own, answered by yes or no; false: a text has one of them. A run's
  /// configuration says so, and other programs' `config.json`.
  public internal(set) var asksOfEachClass = false

  /// The classes' names, in the order of their numbers.
  public var names: [String] { ownNames ?? labels }

  enum CodingKeys: String, CodingKey {
    case labels = "classes"
    case ownNames = "names"
  }

  /// - Parameters:
  ///   - labels: What files call the classes, each once, in the order of their numbers.
  ///   - names: What people call them. Default: the same.
  public init(_ labels: [String], names: [String]? = nil) {
    self.labels = labels
    ownNames = names == labels ? nil : names
  }

  /// The name of a class.
  ///
  /// - Parameter label: What a file calls it; a class that nobody knows keeps that.
  func name(of label: String) -> String {
    labels.firstIndex(of: label).map { names[$0] } ?? label
  }

  /// - Parameter path: Where the bytes are from, for errors.
  /// - Throws: `DescriptionError`.
  init(json: [UInt8], path: String) throws(DescriptionError) {
    do {
      self = try JSONFormat.decoder.decode(TextClasses.self, from: Data(json))
    } catch {
      throw DescriptionError(path: path, problems: ["not the classes of texts: \(error)"])
    }
    guard !labels.isEmpty, Set(labels).count == labels.count else {
      throw DescriptionError(
        path: path, problems: ["classes: expected at least one name, each once"])
    }
    guard names.count == labels.count, Set(names).count == names.count else {
      throw DescriptionError(
        path: path, problems: ["names: expected a name for each of classes, each once"])
    }
  }

  func json() throws -> [UInt8] {
    Array(try JSONFormat.encoder(isIndented: true).encode(self)) + [UInt8(ascii: "\n")]
  }
}

extension TextClasses {
  private static let classNameEnding = "ForSequenceClassification"

  /// What the `config.json` of a classifier of texts says of its classes.
  ///
  /// - Parameter path: Named in errors.
  /// - Returns: Nil where it describes another model.
  /// - Throws: `UnsupportedModelError` where it does not sort texts into several classes.
  init?(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    let members = try JSONNode.members(of: bytes, path: path)
    guard case .list(let architectures)? = members["architectures"],
      case .string(let name)? = architectures.first, name.hasSuffix(Self.classNameEnding)
    else { return nil }
    let asksOfEachClass: Bool
    switch members["problem_type"] ?? .null {
    case .null, .string("single_label_classification"): asksOfEachClass = false
    case .string("multi_label_classification"): asksOfEachClass = true
    case let other:
      throw UnsupportedModelError(
        path: path,
        reason: "problem_type is \(other); single_label_classification and "
          + "multi_label_classification are supported")
    }
    // Without names there are two classes, as `transformers` has it.
    let unnamed = JSONNode.object(["0": "LABEL_0", "1": "LABEL_1"])
    guard case .object(let labels) = members["id2label"] ?? unnamed else {
      throw UnsupportedModelError(path: path, reason: "id2label is no object")
    }
    guard labels.count >= 2 else {
      throw UnsupportedModelError(
        path: path,
        reason: "id2label has \(labels.count) of at least 2 classes; a model with one output, as a "
          + "reranker, gives each text a score and no class")
    }
    let names = (0..<labels.count).compactMap { number -> String? in
      if case .string(let name)? = labels["\(number)"] { name } else { nil }
    }
    guard names.count == labels.count, Set(names).count == names.count else {
      throw UnsupportedModelError(
        path: path,
        reason: "id2label has no different names for classes 0 to \(labels.count - 1)")
    }
    self.init(names)
    self.asksOfEachClass = asksOfEachClass
  }
}
