import Foundation
import LockstepFiles

/// A JSON object whose members keep the order in which they were added.
///
/// Numbers that are not finite are texts; see `JSONFormat`. The members are one piece of UTF-8, since each step of
/// a run is such an object.
struct JSONObject {
  private var content: [UInt8] = []
  /// Where each member begins in `content`.
  private var starts: [Int] = []

  init() {
    // As much as a step has: it grows once.
    content.reserveCapacity(256)
    starts.reserveCapacity(8)
  }

  mutating func add(_ key: String, _ value: String) {
    add(key)
    append(quoted: value)
  }

  mutating func add(_ key: String, _ value: Int) {
    add(key)
    content.append(contentsOf: value.description.utf8)
  }

  /// With as many digits as it takes to read the same value back.
  mutating func add(_ key: String, _ value: Double) {
    add(key)
    content.append(contentsOf: JSONFormat.text(of: value).utf8)
  }

  /// Leaves the key out where there is no value.
  mutating func add(_ key: String, _ value: Double?) {
    if let value { add(key, value) }
  }

  mutating func add(_ key: String, _ objects: [JSONObject]) {
    add(key)
    content.append(UInt8(ascii: "["))
    for (index, object) in objects.enumerated() {
      if index > 0 { content.append(Self.comma) }
      append(object)
    }
    content.append(UInt8(ascii: "]"))
  }

  mutating func add(_ key: String, _ object: JSONObject) {
    add(key)
    append(object)
  }

  /// On one line, with a newline at the end.
  var line: [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(content.count + 3)
    line.append(UInt8(ascii: "{"))
    line += content
    line.append(UInt8(ascii: "}"))
    line.append(Self.newline)
    return line
  }

  /// One member a line, with a newline at the end.
  var page: [UInt8] {
    let members = starts.indices.map { index in
      let isLast = index == starts.count - 1
      return Array("  ".utf8)
        + content[starts[index]..<(isLast ? content.count : starts[index + 1] - 1)]
    }
    return Array("{\n".utf8) + members.joined(separator: [Self.comma, Self.newline])
      + Array("\n}\n".utf8)
  }

  private static let comma = UInt8(ascii: ",")
  private static let newline = UInt8(ascii: "\n")

  /// Begins a member.
  private mutating func add(_ key: String) {
    if !starts.isEmpty { content.append(Self.comma) }
    starts.append(content.count)
    append(quoted: key)
    content.append(UInt8(ascii: ":"))
  }

  private mutating func append(_ object: JSONObject) {
    content.append(UInt8(ascii: "{"))
    content += object.content
    content.append(UInt8(ascii: "}"))
  }

  private mutating func append(quoted text: String) {
    let quote = UInt8(ascii: "\"")
    content.append(quote)
    // Most texts are keys, of which every step has some: nothing in them needs an escape.
    let isPlain = text.utf8.allSatisfy {
      $0 >= 0x20 && $0 != quote && $0 != UInt8(ascii: "\\")
    }
    content.append(contentsOf: (isPlain ? text : Self.escaped(text)).utf8)
    content.append(quote)
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": escaped += "\\\""
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case _ where scalar.value < 0x20:
        escaped += String(format: "\\u%04x", scalar.value)
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
