import Foundation
import LockstepFiles
import LockstepSettings

/// Any JSON value, as `config.json` holds them.
public enum JSONNode: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list([JSONNode])
  case object([String: JSONNode])

  /// The members of an object; none of anything else.
  var members: [String: JSONNode] {
    guard case .object(let members) = self else { return [:] }
    return members
  }

  /// Whether this is the same value: 1 and 1.0 are.
  func isEqual(to other: JSONNode) -> Bool {
    switch (self, other) {
    case (.integer(let integer), .number(let number)), (.number(let number), .integer(let integer)):
      Double(integer) == number
    default: self == other
    }
  }

  /// The value as a setting.
  var settingNode: SettingNode {
    switch self {
    case .null: SettingNode(.null)
    case .bool(let value): SettingNode(.plain("\(value)"))
    case .integer(let value): SettingNode(.plain("\(value)"))
    case .number(let value): SettingNode(.plain("\(value)"))
    case .string(let value): SettingNode(.text(value))
    case .list(let elements): SettingNode(.list(elements.map(\.settingNode)))
    case .object: SettingNode(.map([]))
    }
  }
}

extension JSONNode: CustomStringConvertible {
  /// How a message calls this value. Of a long text it is the beginning.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): value.count > 80 ? value.prefix(80) + "…" : value
    case .list(let elements): "[\(elements.map(\.description).joined(separator: ", "))]"
    case .object(let members):
      "{\(members.keys.sorted().map { "\($0): \(members[$0] ?? .null)" }.joined(separator: ", "))}"
    }
  }
}

extension JSONNode: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
}

extension JSONNode: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONNode].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONNode].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .list(let elements): try container.encode(elements)
    case .object(let members): try container.encode(members)
    }
  }
}

/// A value of a configuration that JSON can hold.
public protocol JSONConvertible {
  var jsonNode: JSONNode { get }
}

extension Int: JSONConvertible {
  public var jsonNode: JSONNode { .integer(self) }
}

extension Double: JSONConvertible {
  public var jsonNode: JSONNode { .number(self) }
}

extension Bool: JSONConvertible {
  public var jsonNode: JSONNode { .bool(self) }
}

// MARK: - Files

extension JSONNode {
  /// A file's bytes: members in alphabetical order.
  package static func json(of members: [String: JSONNode]) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(members)) + [UInt8(ascii: "\n")]
  }

  /// The members of a file.
  ///
  /// - Parameters:
  ///   - path: Named in errors.
  ///   - content: What the file should be. Default: a `config.json`.
  package static func members(
    of bytes: [UInt8], path: String, expected content: String = "the configuration of a model"
  ) throws(UnsupportedModelError) -> [String: JSONNode] {
    let node = try value(of: bytes, path: path, expected: content)
    guard case .object(let members) = node else {
      throw UnsupportedModelError(path: path, reason: "not \(content): found \(node.kind)")
    }
    return members
  }

  /// The value of a file, whatever it is.
  ///
  /// - Parameters:
  ///   - path: Named in errors.
  ///   - content: What the file should be.
  package static func value(
    of bytes: [UInt8], path: String, expected content: String
  ) throws(UnsupportedModelError) -> JSONNode {
    do {
      return try JSONFormat.decode(foreign: bytes)
    } catch {
      let reason = (error as? DecodingError)?.placeAndProblem.problem ?? "\(error)"
      throw UnsupportedModelError(path: path, reason: "not \(content): \(reason)")
    }
  }

  /// What it is, for messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool, .integer, .number: "\(self)"
    case .string: "a text"
    case .list: "a list"
    case .object: "an object"
    }
  }
}
