import LockstepSettings

extension InterchangeKey where Configuration: LlamaFamily {
  /// The members in which older and newer versions of `transformers` have rotary positions.
  private static var rotaryNames: [String] { ["rope_parameters", "rope_scaling"] }

  /// Rotary positions in `config.json`: the base, and how positions are stretched.
  static var rotary: [Self] { [rotaryBase, rotaryScaling] }

  private static var rotaryBase: Self {
    InterchangeKey(
      names: ["rope_theta"] + rotaryNames, setting: "rope_theta",
      read: { members throws(Refusal) in
        // What is wrong with them, `rotaryScaling` says.
        let parameters = (try? rotaryParameters(members)) ?? [:]
        let theta = parameters["rope_theta"] ?? members["rope_theta"] ?? .null
        return (theta == .null ? .number(10_000) : theta).settingNode
      },
      write: { configuration, _ in ["rope_theta": configuration.ropeTheta.jsonNode] })
  }

  private static var rotaryScaling: Self {
    InterchangeKey(
      names: rotaryNames, setting: "rope_scaling",
      read: { members throws(Refusal) in
        var parameters = try rotaryParameters(members)
        parameters["rope_theta"] = nil
        if parameters["partial_rotary_factor"]?.isEqual(to: .number(1)) == true {
          parameters["partial_rotary_factor"] = nil
        }
        let type = parameters.removeValue(forKey: "rope_type") ?? "default"
        guard let form = Form.all.first(where: { type == .string($0.type) }) else {
          let known = Form.all.map(\.type).joined(separator: " or ")
          throw Refusal(reason: "rope_scaling: type \(type) is not \(known)")
        }
        var entries = [SettingNode.Entry("name", SettingNode(.plain(form.name)))]
        for (member, setting) in form.members {
          guard let value = parameters.removeValue(forKey: member) else {
            throw Refusal(reason: "rope_scaling: \(member) is missing")
          }
          entries.append(SettingNode.Entry(setting, value.settingNode))
        }
        if let (member, value) = parameters.min(by: { $0.key < $1.key }) {
          throw Refusal(reason: "rope_scaling: \(member) \(value) is not supported")
        }
        return SettingNode(.map(entries))
      },
      write: { configuration, _ in
        switch configuration.ropeScaling.method {
        case .none: [:]
        case .linear(let keys):
          ["rope_scaling": .object(["rope_type": "linear", "factor": .number(keys.factor)])]
        case .llama3(let keys):
          [
            "rope_scaling": .object([
              "rope_type": "llama3", "factor": .number(keys.factor),
              "low_freq_factor": .number(keys.lowFrequencyFactor),
              "high_freq_factor": .number(keys.highFrequencyFactor),
              "original_max_position_embeddings": .integer(keys.originalContext),
            ])
          ]
        }
      })
  }

  /// Both members as one, the type as `rope_type`.
  private static func rotaryParameters(
    _ members: [String: JSONNode]
  ) throws(Refusal) -> [String: JSONNode] {
    var parameters: [String: JSONNode] = [:]
    for name in rotaryNames {
      let written = members[name] ?? .null
      guard written != .null else { continue }
      guard case .object(let found) = written else {
        throw Refusal(reason: "\(name) \(written) is no object")
      }
      for (member, value) in found.sorted(by: { $0.key < $1.key }) where value != .null {
        let member = member == "type" ? "rope_type" : member
        if let other = parameters.updateValue(value, forKey: member), !other.isEqual(to: value) {
          throw Refusal(reason: "\(name): \(member) is \(other) and \(value)")
        }
      }
    }
    return parameters
  }
}

/// A way of stretching, in `transformers`' words and the configuration's.
private struct Form {
  let type: String
  let name: String
  var members: KeyValuePairs<String, String> = [:]

  static let all = [
    Form(type: "default", name: "none"),
    Form(type: "linear", name: "linear", members: ["factor": "factor"]),
    Form(
      type: "llama3", name: "llama3",
      members: [
        "factor": "factor", "low_freq_factor": "low_frequency_factor",
        "high_freq_factor": "high_frequency_factor",
        "original_max_position_embeddings": "original_context",
      ]),
  ]
}
