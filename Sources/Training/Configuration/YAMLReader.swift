import Foundation
import LockstepSettings
import Yams

/// Turns YAML into a tree of settings with the lines of everything, and gathers what is wrong.
package struct YAMLReader {
  /// What messages call the text: a file's path, or an option as it was typed.
  let source: String
  /// False for a text of one line, whose line numbers would say nothing.
  let hasLines: Bool

  package init(source: String, hasLines: Bool = true) {
    self.source = source
    self.hasLines = hasLines
  }

  /// The text's tree; nil if it is no YAML. An empty text is a null node.
  package func read(_ text: String, reporting violations: inout [Violation]) -> SettingNode? {
    do {
      guard let root = try compose(text) else {
        return SettingNode(.null, origin: SettingOrigin(source: source))
      }
      return convert(root)
    } catch let error as YamlError {
      violations.append(violation(of: error))
    } catch {
      violations.append(
        Violation(.syntax("not YAML: \(error)"), at: .root, origin: SettingOrigin(source: source)))
    }
    return nil
  }

  // MARK: Duplicate keys

  /// Marks a key that occurs again, so that the parser takes it for another one. A private-use
  /// character, which no key has.
  private static let repetition: Character = "\u{E000}"

  /// Parses the text, duplicate keys included.
  ///
  /// The parser gives up at a duplicate key, and everything else that is wrong would go unsaid. So
  /// the key is marked in the text and the text is parsed again; `convert` takes the marks off.
  private func compose(_ text: String) throws -> Node? {
    var text = text
    while true {
      do {
        return try Parser(yaml: text).singleRoot()
      } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
        guard let marked = Self.marking(text, at: context.mark) else {
          throw YamlError.duplicatedKeysInMapping(duplicates: duplicates, context: context)
        }
        text = marked
      }
    }
  }

  /// The text with a mark within the key that begins at `mark`; nil if that is beyond the text.
  private static func marking(_ text: String, at mark: Mark) -> String? {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      Array($0.unicodeScalars)
    }
    guard lines.indices.contains(mark.line - 1), mark.column >= 1,
      mark.column <= lines[mark.line - 1].count
    else { return nil }
    let first = lines[mark.line - 1][mark.column - 1]
    let column = first == "\"" || first == "'" ? mark.column : mark.column - 1
    lines[mark.line - 1].insert(contentsOf: repetition.unicodeScalars, at: column)
    let joined = lines.joined(separator: ["\n"])
    return String(String.UnicodeScalarView(joined))
  }

  // MARK: Conversion

  private func convert(_ node: Node) -> SettingNode {
    let origin = origin(of: node)
    switch node {
    case .scalar(let scalar):
      return SettingNode(content(of: scalar), origin: origin)
    case .sequence(let sequence):
      return SettingNode(.list(sequence.map(convert)), origin: origin)
    case .mapping(let mapping):
      let entries = mapping.map { key, value in
        SettingNode.Entry(name(of: key), convert(value), origin: self.origin(of: key))
      }
      return SettingNode(.map(entries), origin: origin)
    case .alias:
      // The parser puts the anchored node itself where an alias stands.
      return SettingNode(.null, origin: origin)
    }
  }

  private func content(of scalar: Node.Scalar) -> SettingNode.Content {
    guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
    switch scalar.string {
    case "", "~", "null", "Null", "NULL": return .null
    default: return .plain(scalar.string)
    }
  }

  private func name(of key: Node) -> String {
    guard let scalar = key.scalar else { return convert(key).summary }
    return scalar.string.filter { $0 != Self.repetition }
  }

  private func origin(of node: Node) -> SettingOrigin {
    SettingOrigin(source: source, line: hasLines ? node.mark?.line : nil)
  }

  // MARK: Errors

  private func violation(of error: YamlError) -> Violation {
    var origin = SettingOrigin(source: source)
    let problem: String
    switch error {
    case .scanner(let context, let text, let mark, _), .parser(let context, let text, let mark, _),
      .composer(let context, let text, let mark, _):
      if hasLines { origin = SettingOrigin(source: source, line: mark.line) }
      let place = hasLines ? " (column \(mark.column))" : ""
      problem = [context?.text, text].compactMap(\.self).joined(separator: ", ") + place
    case .reader(let text, _, _, _):
      problem = "\(text); is this a text file?"
    default:
      problem = error.description
    }
    return Violation(.syntax("not YAML: \(problem)"), at: .root, origin: origin)
  }
}
