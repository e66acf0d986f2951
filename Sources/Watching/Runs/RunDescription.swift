import Foundation
import LockstepFiles
import LockstepSettings
import LockstepTraining

/// What a run's `config.yaml` says, for people: each key by its path.
struct RunDescription: Equatable {
  struct Setting: Encodable, Equatable {
    let key: String
    let value: String
  }

  /// The configuration's keys and values, in the order of the file.
  private(set) var settings: [Setting] = []
  /// The comment at the top: which program, on what.
  private(set) var provenance: [Setting] = []
  /// Why the file can not be read.
  private(set) var problem: String?

  var steps: Int? { value("steps").flatMap { Int($0) } }

  func value(_ key: String) -> String? { settings.first { $0.key == key }?.value }

  /// - Parameter path: Of `config.yaml`. What a later version has written is shown as well: nothing
  ///   is checked.
  init(path: String) {
    let text: String
    do throws(ConfigurationError) {
      text = try RunConfiguration.readText(path: path)
    } catch {
      problem = "\(error)"
      return
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("# ") else { break }
      // "# Lockstep         0.1.0": a name, and behind two spaces or more its value.
      let parts = line.dropFirst(2).split(separator: "  ", maxSplits: 1)
      guard parts.count == 2 else { break }
      provenance.append(
        Setting(
          key: parts[0].trimmingCharacters(in: .whitespaces),
          value: parts[1].trimmingCharacters(in: .whitespaces)))
    }
    var violations: [Violation] = []
    guard let tree = YAMLReader(source: path).read(text, reporting: &violations) else {
      problem = ConfigurationError(violations: violations).description
      return
    }
    add(tree, at: "")
  }

  private mutating func add(_ node: SettingNode, at path: String) {
    guard let entries = node.entries, !entries.isEmpty else {
      if !path.isEmpty { settings.append(Setting(key: path, value: YAMLWriter.inline(node))) }
      return
    }
    for entry in entries { add(entry.value, at: path.isEmpty ? entry.key : path + "." + entry.key) }
  }
}
