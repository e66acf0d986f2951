import LockstepSettings

/// One member of another program's description of a network, or a few that belong together: how it is
/// read, and how written. Such a description is a `config.json`, or the metadata of a GGUF file.
///
/// A member that is neither one of an architecture's keys nor known to be harmless is refused: it might
/// change what the model computes.
public struct InterchangeKey<Configuration: Architecture> {
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
  /// What a user should know of how the member was read; nil: nothing.
  var notice: ([String: JSONNode]) -> String? = { _ in nil }
  /// What is written.
  var write: (Configuration, InterchangeContext) -> [String: JSONNode] = { _, _ in [:] }
}

/// What such a description says besides the configuration.
struct InterchangeContext {
  /// V.
  let vocabularyCount: Int
  /// The id of the token that begins a text; nil: none.
  var beginOfText: Int?
  /// The id of the token that ends a text; nil: none.
  var endOfText: Int?
}

extension InterchangeKey {
  /// A member that is a key of the configuration.
  ///
  /// - Parameters:
  ///   - name: `n_layer`.
  ///   - setting: `layers`.
  ///   - path: What is written.
  ///   - absent: What the other program takes where the member is left out or null; nil: it must be there.
  static func value(
    _ name: String, _ setting: String, _ path: KeyPath<Configuration, some JSONConvertible>,
    absent: JSONNode? = nil
  ) -> Self {
    InterchangeKey(
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
  ///   - words: The other program's words and the configuration's; of several for the same the first is
  ///     written.
  static func word(
    _ name: String, _ setting: String,
    _ path: KeyPath<Configuration, some RawRepresentable<String>>,
    words: KeyValuePairs<String, String>
  ) -> Self {
    InterchangeKey(
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
    InterchangeKey(
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
    InterchangeKey(
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
    InterchangeKey(
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
    InterchangeKey(
      names: [name], setting: "vocabulary",
      read: { members throws(Refusal) in
        guard let value = members[name] else { throw Refusal(reason: "\(name) is missing") }
        return value.settingNode
      },
      write: { _, context in [name: .integer(context.vocabularyCount)] })
  }

  /// Ids of the tokens that begin and end a text. Null is written where there is none: a member that is
  /// left out means the id of somebody else's tokenizer.
  static var textEnds: Self {
    InterchangeKey(
      names: ["bos_token_id", "eos_token_id"],
      write: { _, context in
        [
          "bos_token_id": context.beginOfText.map(JSONNode.integer) ?? .null,
          "eos_token_id": context.endOfText.map(JSONNode.integer) ?? .null,
        ]
      })
  }

  /// A member that must have one value, and is not written; left out or null is as good.
  static func accepted(_ name: String, _ value: JSONNode, others: [JSONNode] = []) -> Self {
    var key = fixed(name, value, others: others)
    key.write = { _, _ in [:] }
    return key
  }

  /// A member that follows from the configuration, and is not written; left out or null is as good.
  ///
  /// - Parameter meaning: What it must be, in words.
  static func implied(
    _ name: String, _ path: KeyPath<Configuration, some JSONConvertible>, meaning: String
  ) -> Self {
    var key = derived(name, path, meaning: meaning)
    key.write = { _, _ in [:] }
    return key
  }

  /// A member of any value that is not written.
  static func harmless(_ names: String...) -> Self { InterchangeKey(names: names) }
}
