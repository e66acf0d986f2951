import Foundation
import LockstepOptimization
import LockstepSettings

/// What follows from overrides, so that one key is enough to choose another method or a shorter run.
///
/// Only what the file says gives way, and only to what is given beside it: a file that contradicts itself, and
/// overrides that contradict each other, stay wrong.
struct OverrideAdjustments {
  /// One sentence for each override that changed more than its own key.
  private(set) var notices: [String] = []
  private let overrides: [SettingOverride]
  /// The settings as the file has them.
  private let file: SettingNode
  private let keys: [KeyDescription]

  /// - Parameters:
  ///   - overrides: In the order in which they hold.
  ///   - file: The settings without them.
  ///   - keys: Of the configuration.
  init(
    _ overrides: [SettingOverride], over file: SettingNode,
    keys: [KeyDescription] = RunConfiguration.keyDescriptions
  ) {
    (self.overrides, self.file, self.keys) = (overrides, file, keys)
  }

  /// Changes the settings with the overrides in them.
  mutating func adjust(_ tree: inout SettingNode) {
    for override in overrides { dropKeysOfFormerChoice(override, in: &tree) }
    shortenWarmup(in: &tree)
  }

  private func isGiven(_ path: String) -> Bool {
    overrides.contains { $0.path == path || $0.path.hasPrefix(path + ".") }
  }

  // MARK: - Another choice

  /// Where an override makes another choice than the file, the file's keys of its choice have no meaning.
  private mutating func dropKeysOfFormerChoice(
    _ override: SettingOverride, in tree: inout SettingNode
  ) {
    let parts = override.path.split(separator: ".").map(String.init)
    let (section, selector) = (parts.dropLast(), parts[parts.count - 1])
    let known = section.reduce(keys) { keys, part in
      keys.filter { $0.key == part }.flatMap(\.children)
    }
    guard let chosen = override.value.scalar,
      known.contains(where: { $0.condition?.selector == selector }),
      let description = known.first(where: { $0.key == selector }),
      description.choices.contains(where: { $0.name == chosen })
    else { return }
    let place = section.joined(separator: ".")
    let former =
      file[override.path]?.scalar ?? description.defaultValue.scalar ?? chosen
    guard former != chosen, let written = place.isEmpty ? file : file[place] else { return }
    let lost = (written.entries ?? []).map(\.key).filter { key in
      let owners = known.filter { $0.key == key }.compactMap(\.condition)
        .filter { $0.selector == selector }.map(\.choice)
      return owners.contains(former) && !owners.contains(chosen)
        && !isGiven(place.isEmpty ? key : place + "." + key)
    }
    guard !lost.isEmpty else { return }
    tree.remove(lost, below: Array(section))
    let names = lost.map { place.isEmpty ? $0 : "\(place).\($0)" }
    notices.append(
      "\(override.path) is \(chosen), by an option: \(Self.listed(names)) of the file "
        + "\(lost.count == 1 ? "is" : "are") left out, being of \(selector): \(former)")
  }

  // MARK: - A shorter run

  /// A run that an override makes shorter than its warm-up has a warm-up of the same share.
  private mutating func shortenWarmup(in tree: inout SettingNode) {
    let (stepsKey, warmupKey) = ("steps", "schedule.warmup_steps")
    func number(_ key: String, _ tree: SettingNode) -> Int? {
      tree[key]?.scalar.flatMap { Int(scalar: $0, isQuoted: false) }
    }
    guard isGiven(stepsKey), !isGiven("schedule"), let steps = number(stepsKey, tree), steps >= 0,
      let warmup = number(warmupKey, file), warmup > steps,
      case let whole = number(stepsKey, file) ?? Plan().steps, warmup <= whole
    else { return }
    let shortened = Int(Double(warmup) * Double(steps) / Double(whole))
    var node = tree
    guard (try? node.set(warmupKey, to: shortened.settingNode)) != nil else { return }
    tree = node
    notices.append(
      "steps is \(steps), by an option: schedule.warmup_steps is shortened from \(warmup) to \(shortened), the "
        + "same share of the run")
  }

  /// "a, b and c".
  private static func listed(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.joined() }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension SettingNode {
  /// Removes keys of a section.
  fileprivate mutating func remove(_ keys: [String], below section: [String]) {
    guard var entries else { return }
    if let first = section.first {
      guard let index = entries.firstIndex(where: { $0.key == first }) else { return }
      entries[index].value.remove(keys, below: Array(section.dropFirst()))
    } else {
      entries.removeAll { keys.contains($0.key) }
    }
    content = .map(entries)
  }
}
