/// A piece of a template.
struct TemplateToken: Equatable {
  enum Kind: Equatable {
    /// Text that is written as it stands.
    case data(String)
    /// `{{` and `}}`.
    case expressionBegin, expressionEnd
    /// `{%` and `%}`.
    case statementBegin, statementEnd
    case name(String)
    case text(String)
    case integer(Int)
    case number(Double)
    /// `+`, `==`, `(` and so on.
    case symbol(String)
    case end
  }

  var kind: Kind
  /// From 1.
  var line: Int

  /// What an error message calls it.
  var summary: String {
    switch kind {
    case .data: "text"
    case .expressionBegin: "'{{'"
    case .expressionEnd: "'}}'"
    case .statementBegin: "'{%'"
    case .statementEnd: "'%}'"
    case .name(let name): "'\(name)'"
    case .text(let text): "the text '\(text.prefix(40))'"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .symbol(let symbol): "'\(symbol)'"
    case .end: "the end of the template"
    }
  }
}
