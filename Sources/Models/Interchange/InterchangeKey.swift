import LockstepSettings

/// One member of a `config.json`, or a few that belong together: how it is read, and how written.
///
/// A member that is neither one of an architecture's keys nor known to be harmless is refused: it might
/// change what the model computes.
public struct HuggingFaceKey<Configuration: Architecture> {
  /// Why a file is refused.
  struct Refusal: Error {
    let reason: String
  }

  /// The members that it speaks of.
  let names: [String]
  /// The key of the configuration that holds it; nil: none.
  var setting: String?
  /// The value of that key; nil leaves the configuration's default.
  var read: ([String: JSONNode]) throws(Refusal) -> SettingNode? = { _ throws(Refusal) in nil }
  /// Refuses a file that does not fit the configuration read.
  var check: ([String: JSONNode], Configuration) throws(Refusal) -> Void = {
    _, _ throws(Refusal) in
  }
  /// What is written.
  var write: (Configuration, HuggingFaceContext) -> [String: JSONNode] = { _, _ in [:] }
}

/// What a `config.json` says besides the configuration.
struct HuggingFaceContext {
  /// V.
  let vocabularyCount: Int
  /// The id of the token between documents; nil: none.
  let endOfText: Int?
}

extension HuggingFaceKey {
  /// A member that is a key of the configuration.
  ///
  /// - Parameters:
  ///   - name: `n_layer`.
  ///   - setting: `layers`.
  ///   - path: What is written.
  ///   - absent: What `transformers` takes where the member is left out or null; nil: it must be there.
  static func value(
    _ name: String, _ setting: String, _ path: KeyPath<Configuration, some JSONConvertible>,
    absent: JSONNode? = nil
  ) -> Self {
    HuggingFaceKey(
      names: [name], setting: setting,
      read: { members throws(Refusal) in
        let found = members[name] == .null ? nil : members[name]
        guard let value = found ?? absent else { throw Refusal(reason: "\(name) is missing") }
        return value.settingNode
      },
      write: { configuration, _ in [name: configuration[keyPath: path].jsonNode] })
  }

  /// A member that is a word.
  ///
  /// - Parameters:
  ///   - words: `transformers`' words and the configuration's; of several for the same the first is
  ///     written.
  static func word(
    _ name: String, _ setting: String,
    _ path: KeyPath<Configuration, some RawRepresentable<String>>,
    words: KeyValuePairs<String, String>
  ) -> Self {
    HuggingFaceKey(
      names: [name], setting: setting,
      read: { members throws(Refusal) in
        let found = members[name] ?? .null
        guard let word = words.first(where: { found == .string($0.key) })?.value else {
          let known = words.map(\.key).joined(separator: ", ")
          throw Refusal(reason: "\(name) \(found) is none of \(known)")
        }
        return SettingNode(.plain(word))
      },
      write: { configuration, _ in
        let value = configuration[keyPath: path].rawValue
        return words.first { $0.value == value }.map { [name: .string($0.key)] } ?? [:]
      })
  }

  /// A member that must have one value; left out or null is as good.
  ///
  /// - Parameter others: Values that mean the same.
  static func fixed(_ name: String, _ value: JSONNode, others: [JSONNode] = []) -> Self {
    HuggingFaceKey(
      names: [name],
      read: { members throws(Refusal) in
        guard let found = members[name], found != .null else { return nil }
        guard ([value] + others).contains(where: { found.isEqual(to: $0) }) else {
          throw Refusal(reason: "\(name) \(found) is not \(value)")
        }
        return nil
      },
      write: { _, _ in [name: value] })
  }

  /// A member that follows from the configuration; left out or null is as good.
  ///
  /// - Parameter meaning: What it must be, in words.
  static func derived(
    _ name: String, _ path: KeyPath<Configuration, some JSONConvertible>, meaning: String
  ) -> Self {
    HuggingFaceKey(
      names: [name],
      check: { members, configuration throws(Refusal) in
        guard let found = members[name], found != .null else { return }
        let expected = configuration[keyPath: path].jsonNode
        guard found.isEqual(to: expected) else {
          throw Refusal(reason: "\(name) \(found) is not \(meaning), \(expected)")
        }
      },
      write: { configuration, _ in [name: configuration[keyPath: path].jsonNode] })
  }

  /// A member that decides the configuration's only rate of dropout, and others that have to do with
  /// training alone. Written all alike.
  static func dropout(
    _ name: String, others: [String] = [], _ path: KeyPath<Configuration, Double>,
    absent: Double = 0
  ) -> Self {
    HuggingFaceKey(
      names: [name] + others, setting: "dropout",
      read: { members throws(Refusal) in
        (members[name] ?? .number(absent)).settingNode
      },
      write: { configuration, _ in
        Dictionary(
          uniqueKeysWithValues: ([name] + others).map {
            ($0, configuration[keyPath: path].jsonNode)
          })
      })
  }

  /// The number of tokens.
  static func vocabulary(_ name: String) -> Self {
    HuggingFaceKey(
      names: [name], setting: "vocabulary",
      read: { members throws(Refusal) in
        guard let value = members[name] else { throw Refusal(reason: "\(name) is missing") }
        return value.settingNode
      },
      write: { _, context in [name: .integer(context.vocabularyCount)] })
  }

  /// Ids of the token between documents. Null is written where there is none: a member that is left out
  /// means the id of somebody else's tokenizer.
  static func endOfText(_ names: String...) -> Self {
    HuggingFaceKey(
      names: names,
      write: { _, context in
        let id = context.endOfText.map(JSONNode.integer) ?? .null
        return Dictionary(uniqueKeysWithValues: names.map { ($0, id) })
      })
  }

  /// The base of rotary positions, in the members in which older and newer versions of `transformers`
  /// have it; stretched positions are refused.
  static func rotary(_ path: KeyPath<Configuration, Double>) -> Self {
    HuggingFaceKey(
      names: ["rope_theta", "rope_parameters", "rope_scaling"], setting: "rope_theta",
      read: { members throws(Refusal) in
        var theta = members["rope_theta"] ?? .null
        for name in ["rope_parameters", "rope_scaling"] {
          for (member, value) in (members[name] ?? .null).members.sorted(by: { $0.key < $1.key }) {
            switch member {
            case "rope_theta": theta = value
            case "rope_type", "type":
              guard value == .string("default") else {
                throw Refusal(reason: "\(name): \(member) \(value) is not default")
              }
            case "partial_rotary_factor" where value.isEqual(to: .number(1)): break
            default: throw Refusal(reason: "\(name): \(member) \(value) is not supported")
            }
          }
        }
        return (theta == .null ? .number(10_000) : theta).settingNode
      },
      write: { configuration, _ in ["rope_theta": configuration[keyPath: path].jsonNode] })
  }

  /// Members that any architecture's file may have, and that are not written.
  static var common: [Self] {
    let fixed: [Self] = [
      .fixed("is_encoder_decoder", false), .fixed("pruned_heads", .object([:])),
    ]
    return fixed.map {
      var key = $0
      key.write = { _, _ in [:] }
      return key
    }
  }

  /// A member of any value that is not written.
  static func harmless(_ names: String...) -> Self { HuggingFaceKey(names: names) }
}
