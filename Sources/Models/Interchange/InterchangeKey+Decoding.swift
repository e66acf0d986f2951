import LockstepSettings

extension InterchangeKey {
  /// Reads another program's description of a network.
  ///
  /// - Parameters:
  ///   - members: Of the description.
  ///   - keys: All that an architecture's descriptions have, and that mean something.
  ///   - harmless: Members of any value that do not change what is computed from tokens.
  ///   - path: Named in errors.
  /// - Returns: The configuration, and what a user should know of how it was read.
  /// - Throws: `UnsupportedModelError` with everything that Lockstep can not compute.
  static func decode(
    _ members: [String: JSONNode], by keys: [InterchangeKey], harmless: Set<String>, path: String
  ) throws(UnsupportedModelError) -> (configuration: Configuration, notices: [String]) {
    var reasons: [String] = []
    func gather(_ body: () throws(Refusal) -> Void) {
      do throws(Refusal) {
        try body()
      } catch {
        reasons.append(error.reason)
      }
    }
    var entries: [SettingNode.Entry] = []
    for key in keys {
      gather { () throws(Refusal) in
        guard let value = try key.read(members), let setting = key.setting else { return }
        entries.append(SettingNode.Entry(setting, value))
      }
    }
    let known = Set(keys.flatMap(\.names)).union(harmless)
    for (name, value) in members.sorted(by: { $0.key < $1.key })
    where !known.contains(name) && value != .null {
      reasons.append(
        "\(name) \(value) is unknown, and might change what the model computes; take it out of the "
          + "file if it does not")
    }
    var found: Configuration?
    do throws(ConfigurationError) {
      found = try Configuration(settings: SettingNode(.map(entries)))
    } catch {
      for violation in error.violations {
        let name = keys.name(of: violation.path)
        if reasons.contains(where: { $0.hasPrefix(name + " ") }) { continue }
        reasons.append(
          Violation(violation.problem, at: SettingPath(description: name), origin: nil).description)
      }
    }
    if let found {
      for key in keys {
        gather { () throws(Refusal) in try key.check(members, found) }
      }
    }
    guard let found, reasons.isEmpty else {
      throw UnsupportedModelError(path: path, reason: reasons.joined(separator: "; "))
    }
    return (found, keys.compactMap { $0.notice(members) })
  }
}

extension Array {
  /// What the description calls a key of the configuration.
  fileprivate func name<Configuration>(of path: SettingPath) -> String
  where Element == InterchangeKey<Configuration> {
    first { $0.setting == path.description }?.names.first ?? path.description
  }
}
