import Foundation
import LockstepFiles

/// A JSON object whose members keep the order in which they were added.
///
/// Numbers that are not finite are texts; see `JSONFormat`.
struct JSONObject {
  private var members: [String] = []

  mutating func add(_ key: String, _ value: String) {
    members.append("\(Self.quoted(key)):\(Self.quoted(value))")
  }

  mutating func add(_ key: String, _ value: Int) {
    members.append("\(Self.quoted(key)):\(value)")
  }

  /// With as many digits as it takes to read the same value back.
  mutating func add(_ key: String, _ value: Double) {
    members.append("\(Self.quoted(key)):\(JSONFormat.text(of: value))")
  }

  /// Leaves the key out where there is no value.
  mutating func add(_ key: String, _ value: Double?) {
    if let value { add(key, value) }
  }

  mutating func add(_ key: String, _ objects: [JSONObject]) {
    members.append("\(Self.quoted(key)):[\(objects.map(\.line).joined(separator: ","))]")
  }

  mutating func add(_ key: String, _ object: JSONObject) {
    members.append("\(Self.quoted(key)):\(object.line)")
  }

  /// On one line, without a newline.
  var line: String { "{\(members.joined(separator: ","))}" }

  /// One member a line, with a newline at the end.
  var page: String { "{\n\(members.map { "  " + $0 }.joined(separator: ",\n"))\n}\n" }

  private static func quoted(_ text: String) -> String {
    // Most texts are keys, of which every step has some: nothing in them needs an escape.
    let isPlain = text.utf8.allSatisfy {
      $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    if isPlain { return "\"\(text)\"" }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20:
        quoted += String(format: "\\u%04x", scalar.value)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
