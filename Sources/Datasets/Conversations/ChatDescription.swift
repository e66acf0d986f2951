/// What a model's files say of conversations: the template, and the names of the tokens that begin and
/// end a text.
public struct ChatDescription: Sendable, Equatable {
  /// The template's text; nil: there is none.
  public var template: String?
  /// The file that it comes from.
  public var templatePath: String
  /// `bos_token`.
  public var beginOfText: String?
  /// `eos_token`.
  public var endOfText: String?

  static let templateName = "chat_template.jinja"
  static let configurationName = "tokenizer_config.json"

  public init(
    template: String?, templatePath: String, beginOfText: String? = nil, endOfText: String? = nil
  ) {
    (self.template, self.templatePath) = (template, templatePath)
    (self.beginOfText, self.endOfText) = (beginOfText, endOfText)
  }

  /// The names of the tokens as `tokenizer_config.json` has them.
  var configurationJSON: [UInt8] {
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
