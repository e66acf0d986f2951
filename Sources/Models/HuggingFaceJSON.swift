import Foundation
import LockstepSettings

/// A `config.json` of a model that Lockstep can not build.
public struct UnsupportedModelError: UserInputError, Equatable {
  /// Where the file is.
  public let path: String
  /// What it asks for, and what is supported.
  public let reason: String

  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)" }
}

/// What the `config.json` files of all architectures have in common.
enum HuggingFaceJSON {
  /// A file's bytes: members in alphabetical order.
  static func encode(_ configuration: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(configuration)) + [UInt8(ascii: "\n")]
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: Named in errors.
  ///   - model: What the file should describe: `a GPT-2`.
  static func decode<Configuration: Decodable>(
    _ type: Configuration.Type, from bytes: [UInt8], path: String, of model: String
  ) throws(UnsupportedModelError) -> Configuration {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw UnsupportedModelError(
        path: path, reason: "not the configuration of \(model): \(error)")
    }
  }

  /// The `model_type` of a file: `gpt2`.
  static func modelType(of bytes: [UInt8], path: String) throws(UnsupportedModelError) -> String {
    struct Kind: Decodable {
      let modelType: String

      enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
      }
    }
    return try decode(Kind.self, from: bytes, path: path, of: "a model").modelType
  }

  /// Refuses a file with the reason of the first requirement that is not met.
  static func require(
    path: String, _ requirements: [(isMet: Bool, reason: String)]
  ) throws(UnsupportedModelError) {
    for requirement in requirements where !requirement.isMet {
      throw UnsupportedModelError(path: path, reason: requirement.reason)
    }
  }
}

/// The id of a special token, or an explicit null: a member that is left out means the id of
/// somebody else's tokenizer.
struct TokenID: Codable, Equatable {
  let id: Int?

  init(_ id: Int?) {
    self.id = id
  }

  /// Of several, the first.
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    id = (try? container.decode(Int.self)) ?? (try? container.decode([Int].self))?.first
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let id { try container.encode(id) } else { try container.encodeNil() }
  }
}
