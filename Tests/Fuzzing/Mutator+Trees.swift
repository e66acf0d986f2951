import Foundation

// Damage to files that are trees: JSON, the header of safetensors, YAML.

extension Mutator {
  /// Damages one place of a JSON text; one that is none any more is damaged blindly.
  mutating func json(_ bytes: [UInt8]) -> [UInt8] {
    guard
      let tree = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    else { return blindly(bytes) }
    let count = Self.nodeCount(tree)
    var place = Int.random(in: 0..<count, using: &generator)
    return Array(text(tree, damagedAt: &place).utf8)
  }

  /// Damages the header of a safetensors file, whose length is mostly made to agree; or the tensors.
  mutating func safetensors(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= 8, chance(3, of: 4) else { return blindly(bytes) }
    let length = bytes[..<8].reversed().reduce(0) { ($0 & 0xFF_FFFF) << 8 | Int($1) }
    guard length <= bytes.count - 8 else { return words(bytes) }
    let header = json(Array(bytes[8..<8 + length]))
    let prefix =
      chance(7, of: 8)
      ? (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } : Array(bytes[..<8])
    return prefix + header + bytes[(8 + length)...]
  }

  /// Puts another value behind a key of YAML, or another structure.
  mutating func yaml(_ bytes: [UInt8]) -> [UInt8] {
    var lines = String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let keyed = lines.indices.filter { lines[$0].contains(":") }
    guard let line = keyed.randomElement(using: &generator),
      let colon = lines[line].firstIndex(of: ":")
    else { return blindly(bytes) }
    switch Int.random(in: 0..<5, using: &generator) {
    case 0, 1: lines[line] = lines[line][...colon] + " " + pick(Self.values)
    case 2: lines[line] = String(repeating: " ", count: pick([0, 1, 2, 4, 200])) + lines[line]
    case 3: lines.insert(lines[line], at: line)
    default: lines[line] = lines[line][...colon] + " " + nested("[", "]")
    }
    return Array(lines.joined(separator: "\n").utf8)
  }

  private mutating func nested(_ begin: String, _ end: String) -> String {
    let depth = pick([2, 30, 600, 20_000])
    return String(repeating: begin, count: depth) + String(repeating: end, count: depth)
  }

  /// Values of scalars, as JSON and YAML both write them.
  private static let values = [
    "null", "true", "false", "0", "1", "-1", "0.5", "-0.0", "1.5", "1e300", "-1e300", "1e-300",
    "2147483647", "2147483648", "4294967296", "4611686018427387904", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "1e999", "\"\"", "\"0\"", "\"NaN\"",
    "\"Infinity\"", "\"\\u0000\"", "\"\\ud800\"", "\"a\\u001b[31m\"", "[]", "{}", "[[]]", "[1]",
    "{\"a\": 1}", "NaN", "Infinity", "&a [*a]", "*a", "!!int x", "? a",
  ]

  private static func nodeCount(_ node: Any) -> Int {
    switch node {
    case let members as [String: Any]: members.values.reduce(1) { $0 + nodeCount($1) }
    case let elements as [Any]: elements.reduce(1) { $0 + nodeCount($1) }
    default: 1
    }
  }

  /// The tree as JSON, but for one node. Nodes are counted as they are written.
  private mutating func text(_ node: Any, damagedAt place: inout Int) -> String {
    defer { place -= 1 }
    if place == 0 { return replacement(of: node) }
    switch node {
    case let members as [String: Any]:
      var texts: [String] = []
      for key in members.keys.sorted() {
        place -= 1
        let isHere = place == 0
        place += 1
        let value = text(members[key] ?? NSNull(), damagedAt: &place)
        switch isHere ? Int.random(in: 0..<6, using: &generator) : 5 {
        case 0: break
        case 1:
          texts += ["\(Self.quoted(key)): \(value)", "\(Self.quoted(key)): \(plain(members[key]))"]
        case 2: texts.append("\(Self.quoted(key + pick(Self.words))): \(plain(members[key]))")
        default: texts.append("\(Self.quoted(key)): \(value)")
        }
      }
      return "{\(texts.joined(separator: ", "))}"
    case let elements as [Any]:
      var texts: [String] = []
      for element in elements { texts.append(text(element, damagedAt: &place)) }
      return "[\(texts.joined(separator: ", "))]"
    default: return plain(node)
    }
  }

  private mutating func replacement(of node: Any) -> String {
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: return nested("[", "]")
    case 1: return nested("{\"a\":", "}")
    case 2: return Self.quoted(pick(Self.words))
    case 3:
      if let elements = node as? [Any] { return plain(elements + elements) }
      return "[\(plain(node)), \(plain(node))]"
    case 4: return "\(pick(Self.numbers))"
    default: return pick(Self.values)
    }
  }

  private func plain(_ node: Any?) -> String {
    let bytes = try? JSONSerialization.data(
      withJSONObject: node ?? NSNull(), options: [.fragmentsAllowed, .sortedKeys])
    return String(decoding: bytes ?? Data("null".utf8), as: UTF8.self)
  }

  private static func quoted(_ text: String) -> String {
    let bytes = try? JSONEncoder().encode(text)
    return String(decoding: bytes ?? Data("\"\"".utf8), as: UTF8.self)
  }
}
