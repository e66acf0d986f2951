import LockstepChatTemplates
import LockstepFiles

/// What the files beside a model say of conversations: the template, and the names of the tokens that
/// begin and end a text.
public struct ChatDescription: Sendable, Equatable {
  /// Its text, and the file that it comes from.
  public var template: (source: String, name: String)?
  /// `bos_token`.
  public var beginOfText: String?
  /// `eos_token`.
  public var endOfText: String?

  public static let templateName = "chat_template.jinja"
  public static let configurationName = "tokenizer_config.json"

  public init(
    template: (source: String, name: String)? = nil, beginOfText: String? = nil,
    endOfText: String? = nil
  ) {
    (self.template, self.beginOfText, self.endOfText) = (template, beginOfText, endOfText)
  }

  public static func == (left: ChatDescription, right: ChatDescription) -> Bool {
    left.template?.source == right.template?.source && left.beginOfText == right.beginOfText
      && left.endOfText == right.endOfText
  }

  /// The most bytes of such a file.
  private static let mostBytes = 16 << 20

  /// Reads `chat_template.jinja` and `tokenizer_config.json`, as `transformers` saves them; where they
  /// are not, nothing is known.
  ///
  /// - Throws: `ChatDescriptionError` where one of them can not be understood.
  public init(directory: String) throws(ChatDescriptionError) {
    if let bytes = try Self.contents(directory + "/" + Self.configurationName) {
      try read(bytes, path: directory + "/" + Self.configurationName)
    }
    let path = directory + "/" + Self.templateName
    if let bytes = try Self.contents(path) {
      guard let source = String(validating: bytes, as: UTF8.self) else {
        throw ChatDescriptionError(path: path, reason: "not UTF-8")
      }
      template = (source, path)
    }
  }

  private static func contents(_ path: String) throws(ChatDescriptionError) -> [UInt8]? {
    do throws(FileError) {
      guard try FileSystem.exists(path) else { return nil }
      return try FileContents.read(path, limit: mostBytes)
    } catch {
      throw ChatDescriptionError(path: path, reason: "cannot be read: \(error.reason)")
    }
  }

  private mutating func read(_ bytes: [UInt8], path: String) throws(ChatDescriptionError) {
    let value: JSONValue
    do throws(JSONReader.Failure) {
      value = try JSONReader.value(of: bytes)
    } catch {
      throw ChatDescriptionError(path: path, reason: "\(error.reason) at byte \(error.offset)")
    }
    beginOfText = try Self.token("bos_token", of: value, path)
    endOfText = try Self.token("eos_token", of: value, path)
    switch value["chat_template"] {
    case nil, .null?: break
    case .string(let source)?: template = (source, path)
    case .array(let elements)?:
      // Several, by name; the others are for tools and the like.
      let standard = elements.first { $0["name"]?.string == "default" }
      guard let source = standard?["template"]?.string else {
        throw ChatDescriptionError(path: path, reason: "chat_template has none that is 'default'")
      }
      template = (source, path)
    case let other?:
      throw ChatDescriptionError(
        path: path, reason: "chat_template is \(other.summary), expected text")
    }
  }

  /// A token's name, or an added token with its content.
  private static func token(
    _ key: String, of value: JSONValue, _ path: String
  ) throws(ChatDescriptionError) -> String? {
    guard let found = value[key], !found.isNull else { return nil }
    guard let name = found.string ?? found["content"]?.string else {
      throw ChatDescriptionError(path: path, reason: "\(key) is \(found.summary), expected text")
    }
    return name
  }

  /// The names of the tokens as `tokenizer_config.json` has them.
  public var configurationJSON: [UInt8] {
    var text = JSONText()
    text.append("{")
    var isFirst = true
    for case (let key, let name?) in [("bos_token", beginOfText), ("eos_token", endOfText)] {
      text.append(isFirst ? "\n  " : ",\n  ")
      text.append(quoting: key)
      text.append(": ")
      text.append(quoting: name)
      isFirst = false
    }
    text.append("\n}\n")
    return text.bytes
  }
}
