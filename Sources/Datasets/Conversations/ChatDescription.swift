/// What a model's files say of conversations: the template, and the special tokens that it may write.
public struct ChatDescription: Sendable, Equatable {
  /// The template's text; nil: there is none.
  public var template: String?
  /// The file that it comes from.
  public var templatePath: String
  /// Special tokens by what templates and `tokenizer_config.json` call them, such as `bos_token`.
  public var specialTokens: [String: String]

  static let templateName = "chat_template.jinja"
  static let configurationName = "tokenizer_config.json"

  public init(template: String?, templatePath: String, specialTokens: [String: String] = [:]) {
    (self.template, self.templatePath) = (template, templatePath)
    self.specialTokens = specialTokens
  }

  /// The tokens as `tokenizer_config.json` has them.
  var configurationJSON: [UInt8] {
    var text = JSONWriter()
    text.append("{")
    for (index, token) in specialTokens.sorted(by: { $0.key < $1.key }).enumerated() {
      text.append(index == 0 ? "\n  " : ",\n  ")
      text.append(quoting: token.key)
      text.append(": ")
      text.append(quoting: token.value)
    }
    text.append("\n}\n")
    return text.bytes
  }
}
