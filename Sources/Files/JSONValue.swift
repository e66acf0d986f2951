/// A JSON document as it is written: objects keep their order, keys their exact scalars.
///
/// Foundation's decoders put keys into dictionaries, in which Swift takes canonically equivalent
/// strings for one. In a vocabulary, U+00C5 and U+212B (both shown as "Å") are two tokens.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  /// The value of an object's key; nil if there is none or this is no object.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  package var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// A number; also one that is not finite, which is written as a word.
  package var number: Double? {
    switch self {
    case .number(let value): value
    case .string(let text): JSONFormat.number(text)
    default: nil
    }
  }

  package var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// A whole number that fits 32 bits.
  package var integer: Int32? {
    guard case .number(let value) = self else { return nil }
    return Int32(exactly: value)
  }

  package var array: [JSONValue]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  package var members: [(key: String, value: JSONValue)]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  package var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// What an error message calls the value.
  package var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
    case .string(let text): "'\(text.prefix(40))'"
    case .array(let elements): "an array of \(elements.count)"
    case .object(let members): members.isEmpty ? "{}" : "an object"
    }
  }
}
