import LockstepCommunication
import LockstepModels
import LockstepParallelism
import LockstepSettings

extension RunConfiguration {
  /// Reads a configuration file on rank zero, for all ranks of the run: the file, and the weights whose shape it
  /// does not repeat, need not be on other hosts. Collective.
  ///
  /// - Parameters:
  ///   - path: A YAML file.
  ///   - overrides: As of `load(path:overrides:ranks:)`.
  /// - Throws: `AgreedError` with everything that is wrong.
  public static func load(
    path: String, overrides: [String] = [], _ communicator: any Communicator
  ) throws -> RunConfiguration {
    var notices: [String] = []
    let text = try communicator.valueFromRankZero {
      let configuration = try load(
        path: path, overrides: overrides, ranks: communicator.size)
      notices = configuration.notices
      return configuration.yaml(comments: false)
    }
    var configuration = try communicator.agree {
      try parse(yaml: text, source: path)
    }
    configuration.notices = notices
    return configuration
  }
}

extension SettingNode {
  /// The settings with a `model` section that says all that follows from its `from`, where that is there and no
  /// architecture is named: what was written stays, and stands over what is read.
  ///
  /// - Returns: Them, and what the user should know of how the weights' files were read.
  /// - Throws: `Violation` with what is wrong with the weights.
  func completingModel() throws(Violation) -> (settings: SettingNode, notices: [String]) {
    guard let from = entry(at: "model.from"), let path = from.value.scalar,
      entry(at: "model.architecture") == nil, case .map(var sections) = content,
      let place = sections.firstIndex(where: { $0.key == "model" }),
      let written = sections[place].value.entries
    else { return (self, []) }
    let directory = self["directory"]?.scalar
    let description: ModelDescription
    do {
      description = try ModelDescription.reading(
        RunConfiguration.path(path, startingFrom: directory), threads: ThreadPool())
    } catch {
      throw Violation(
        .syntax("\(error)"), at: SettingPath(description: "model.from"), origin: from.origin)
    }
    var entries = ModelConfiguration(description.architecture).settingNode.entries ?? []
    entries.removeAll { entry in written.contains { $0.key == entry.key } }
    sections[place].value.content = .map(entries + written)
    return (
      SettingNode(.map(sections), origin: origin),
      description.notices.map { "model.from: \($0)" }
    )
  }
}
