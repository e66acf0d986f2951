import Foundation
import LockstepSettings

/// `key.path=value`, as it stands behind `--set`.
struct SettingOverride {
  /// As it was typed, with its option.
  let text: String
  /// `key.path`.
  let path: String
  let value: SettingNode

  /// - Parameters:
  ///   - text: `key.path=value`.
  ///   - violations: Gets what is wrong with it.
  init?(_ text: String, reporting violations: inout [Violation]) {
    let option = "--set \(text)"
    let origin = SettingOrigin(source: option)
    guard let equals = text.firstIndex(of: "="),
      case let path = text[..<equals],
      path.count(where: { $0 == "." }) < YAMLReader.deepest,
      !path.split(separator: ".", omittingEmptySubsequences: false).contains("")
    else {
      violations.append(
        Violation(
          .syntax("expected key.path=value, such as optimizer.learning_rate=3e-4"), at: .root,
          origin: origin))
      return nil
    }
    let written = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    let reader = YAMLReader(source: option, hasLines: false)
    guard let value = reader.read(written, reporting: &violations) else { return nil }
    guard value.isWhole(of: written) else {
      violations.append(
        Violation(
          .syntax("YAML reads this as \(value.summary) alone; put the value in quotes"),
          at: SettingPath(description: String(path)), origin: origin))
      return nil
    }
    (self.text, self.path, self.value) = (option, String(path), value)
  }

  /// - Throws: `Violation` where an earlier override is of a key below this one: it would be gone.
  func requireNothingBelow(in earlier: [SettingOverride]) throws(Violation) {
    guard let lost = earlier.first(where: { $0.path.hasPrefix(path + ".") }) else { return }
    throw Violation(
      .replacesEarlier(key: path, setting: lost.text), at: SettingPath(description: path),
      origin: value.origin)
  }
}

extension SettingNode {
  /// Whether all characters written are part of the value: `a #b` is `a` with a comment, which on a
  /// command line nobody means.
  fileprivate func isWhole(of written: String) -> Bool {
    switch content {
    case .plain(let characters): characters == written
    case .null: !written.contains("#")
    case .text, .list, .map: true
    }
  }
}
