/// Makes statements of a template's tokens, and refuses what the interpreter does not have: by its name
/// and line, before anything is rendered.
struct TemplateParser {
  /// Statements and expressions may be nested this deep.
  static let deepest = 64

  private let tokens: [TemplateToken]
  private var position = 0
  var depth = 0
  /// Of loops around the statement that is read, within the macro or generation block around it.
  private var loopDepth = 0
  /// What becomes a value, and not text of the rendering, around the statement that is read: a macro or a block.
  private var valueAround: String?
  /// Names that some statement assigns.
  private(set) var assigned: Set<String> = []
  /// Whether some statement is `{% generation %}`.
  private(set) var hasGeneration = false
  /// Why it can not be told what the first `{% generation %}` within a value marks; nil: there is none.
  private(set) var unplacedGeneration: TemplateFailure?

  init(_ tokens: [TemplateToken]) {
    self.tokens = tokens
    for (index, token) in tokens.enumerated().dropLast() {
      guard token.kind == .name("set") || token.kind == .name("macro"),
        case .name(let name) = tokens[index + 1].kind
      else { continue }
      assigned.insert(name)
    }
  }

  /// The statements of a whole template.
  mutating func template() throws(TemplateFailure) -> [TemplateStatement] {
    let body = try statements(until: [])
    return body
  }

  // MARK: - Tokens

  var current: TemplateToken { tokens[position] }
  var following: TemplateToken { tokens[min(position + 1, tokens.count - 1)] }

  mutating func advance() {
    if position < tokens.count - 1 { position += 1 }
  }

  func isAt(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
  func isAt(name: String) -> Bool { current.kind == .name(name) }

  /// Passes a symbol if it is there.
  mutating func pass(_ symbol: String) -> Bool {
    guard isAt(symbol) else { return false }
    advance()
    return true
  }

  mutating func pass(name: String) -> Bool {
    guard isAt(name: name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ symbol: String) throws(TemplateFailure) {
    guard pass(symbol) else { throw unexpected("'\(symbol)'") }
  }

  mutating func expectName() throws(TemplateFailure) -> String {
    guard case .name(let name) = current.kind else { throw unexpected("a name") }
    advance()
    return name
  }

  func unexpected(_ wanted: String) -> TemplateFailure {
    TemplateFailure(
      line: current.line, kind: .syntax, reason: "\(current.summary) where \(wanted) should be")
  }

  func lacking(_ what: String, line: Int? = nil) -> TemplateFailure {
    TemplateFailure(line: line ?? current.line, kind: .lacking, reason: what)
  }

  /// Runs `body` one level deeper.
  mutating func nested<Result>(
    _ body: (inout TemplateParser) throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else {
      throw TemplateFailure(
        line: current.line, kind: .limit, reason: "nested deeper than \(Self.deepest) levels")
    }
    return try body(&self)
  }

  // MARK: - Statements

  /// Statements up to one of these, which is left to be read.
  private mutating func statements(
    until ends: Set<String>
  ) throws(TemplateFailure) -> [TemplateStatement] {
    try nested { (parser) throws(TemplateFailure) in
      var body: [TemplateStatement] = []
      let begin = parser.current.line
      while true {
        let token = parser.current
        switch token.kind {
        case .data(let text):
          parser.advance()
          body.append(TemplateStatement(kind: .data(text), line: token.line))
        case .expressionBegin:
          parser.advance()
          let value = try parser.output()
          guard parser.current.kind == .expressionEnd else { throw parser.unexpected("'}}'") }
          parser.advance()
          body.append(TemplateStatement(kind: .output(value), line: token.line))
        case .statementBegin:
          if case .name(let name) = parser.following.kind, ends.contains(name) { return body }
          parser.advance()
          body.append(try parser.statement(line: token.line))
        default:
          guard ends.isEmpty, token.kind == .end else {
            throw TemplateFailure(
              line: begin, kind: .syntax,
              reason:
                "the template ends where '\(ends.sorted().joined(separator: "' or '"))' should be")
          }
          return body
        }
      }
    }
  }

  /// A whole expression of `{{ }}`. `safe` at its end changes nothing, for nothing is escaped.
  private mutating func output() throws(TemplateFailure) -> TemplateExpression {
    let value = try tuple()
    guard case .filter(let inner, .safe, _) = value.kind else { return value }
    return inner
  }

  /// Passes `{% name`, which is known to be there.
  private mutating func passKeyword() -> String {
    advance()
    guard case .name(let name) = current.kind else { return "" }
    advance()
    return name
  }

  private mutating func endStatement() throws(TemplateFailure) {
    guard current.kind == .statementEnd else { throw unexpected("'%}'") }
    advance()
  }

  /// Reads the body of a statement and its end, `{% endname %}`.
  private mutating func body(endedBy name: String) throws(TemplateFailure) -> [TemplateStatement] {
    let body = try statements(until: [name])
    _ = passKeyword()
    try endStatement()
    return body
  }

  private mutating func statement(line: Int) throws(TemplateFailure) -> TemplateStatement {
    let place = current
    let name = try expectName()
    let kind: TemplateStatement.Kind
    switch name {
    case "if": kind = try condition()
    case "for": kind = try loop()
    case "set": kind = try assignment(line: line)
    case "macro": kind = try macro()
    case "generation":
      // A value may be written anywhere, several times or not at all.
      if let valueAround, unplacedGeneration == nil {
        unplacedGeneration = lacking("'{% generation %}' in \(valueAround)", line: line)
      }
      hasGeneration = true
      try endStatement()
      kind = .generation(
        try outsideOfLoops { (parser) throws(TemplateFailure) in
          try parser.body(endedBy: "endgeneration")
        })
    case "break", "continue":
      guard loopDepth > 0 else {
        throw TemplateFailure(line: line, kind: .syntax, reason: "'\(name)' outside of a loop")
      }
      try endStatement()
      kind = name == "break" ? .leave : .next
    case "with", "call", "filter", "include", "import", "from", "extends", "block", "raw",
      "autoescape", "do", "trans", "debug":
      throw lacking("the statement '\(name)'", line: line)
    default:
      throw TemplateFailure(
        line: line, kind: .syntax, reason: "\(place.summary) where a statement should be")
    }
    return TemplateStatement(kind: kind, line: line)
  }

  private mutating func condition() throws(TemplateFailure) -> TemplateStatement.Kind {
    var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
    while true {
      let test = try tuple(withConditional: false)
      try endStatement()
      branches.append((test, try statements(until: ["elif", "else", "endif"])))
      switch passKeyword() {
      case "elif": continue
      case "else":
        try endStatement()
        return .condition(branches, otherwise: try body(endedBy: "endif"))
      default:
        try endStatement()
        return .condition(branches, otherwise: [])
      }
    }
  }

  private mutating func loop() throws(TemplateFailure) -> TemplateStatement.Kind {
    let target = try target()
    guard pass(name: "in") else { throw unexpected("'in'") }
    let items = try tuple(withConditional: false)
    let condition = try pass(name: "if") ? expression() : nil
    if isAt(name: "recursive") { throw lacking("'recursive' loops") }
    try endStatement()
    loopDepth += 1
    let body = try statements(until: ["else", "endfor"])
    loopDepth -= 1
    var otherwise: [TemplateStatement] = []
    if passKeyword() == "else" {
      try endStatement()
      otherwise = try self.body(endedBy: "endfor")
    } else {
      try endStatement()
    }
    return .loop(
      TemplateLoopStatement(
        target: target, items: items, condition: condition, body: body, otherwise: otherwise))
  }

  /// What a loop assigns to: a name, or several.
  private mutating func target(allowsAttribute: Bool = false) throws(TemplateFailure)
    -> TemplateTarget
  {
    var targets: [TemplateTarget] = []
    var isTuple = false
    repeat {
      if isAt(name: "in") || isAt("=") || isAt(")") { break }
      targets.append(try singleTarget(allowsAttribute: allowsAttribute))
      guard pass(",") else { break }
      isTuple = true
    } while true
    guard isTuple || targets.count != 1 else { return targets[0] }
    guard !targets.isEmpty else { throw unexpected("a name") }
    return .tuple(targets)
  }

  private mutating func singleTarget(allowsAttribute: Bool) throws(TemplateFailure)
    -> TemplateTarget
  {
    if pass("(") {
      let inner = try nested { (parser) throws(TemplateFailure) in try parser.target() }
      try expect(")")
      return inner
    }
    let line = current.line
    let name = try expectName()
    guard !Self.constants.contains(name) else {
      throw TemplateFailure(line: line, kind: .syntax, reason: "'\(name)' can not be assigned to")
    }
    if allowsAttribute, pass(".") {
      let attribute = try expectName()
      return .attribute(of: name, name: attribute)
    }
    return .name(name)
  }

  static let constants: Set<String> = ["true", "false", "none", "True", "False", "None"]

  private mutating func assignment(line: Int) throws(TemplateFailure) -> TemplateStatement.Kind {
    let target = try target(allowsAttribute: true)
    if pass("=") {
      let value = try tuple()
      try endStatement()
      return .assignment(target, value)
    }
    var filters = TemplateExpression(kind: .captured, line: line)
    while isAt("|") { filters = try filter(of: filters) }
    try endStatement()
    let body = try inside("a block of 'set'") { (parser) throws(TemplateFailure) in
      try parser.body(endedBy: "endset")
    }
    return .capture(target, body, filters: filters)
  }

  private mutating func macro() throws(TemplateFailure) -> TemplateStatement.Kind {
    let name = try expectName()
    try expect("(")
    var parameters: [(name: String, standard: TemplateExpression?)] = []
    while !isAt(")") {
      if !parameters.isEmpty { try expect(",") }
      let line = current.line
      let parameter = try expectName()
      let standard = try pass("=") ? expression() : nil
      guard standard != nil || parameters.last?.standard == nil else {
        throw TemplateFailure(
          line: line, kind: .syntax,
          reason: "the parameter '\(parameter)' without a value behind one that has it")
      }
      parameters.append((parameter, standard))
    }
    try expect(")")
    try endStatement()
    let body = try inside("a macro") { (parser) throws(TemplateFailure) in
      try parser.outsideOfLoops { (parser) throws(TemplateFailure) in
        try parser.body(endedBy: "endmacro")
      }
    }
    return .macro(TemplateMacroDefinition(name: name, parameters: parameters, body: body))
  }

  /// Reads what becomes a value.
  private mutating func inside<Result>(
    _ value: String, _ read: (inout TemplateParser) throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    let around = valueAround
    valueAround = value
    defer { valueAround = around }
    return try read(&self)
  }

  private mutating func outsideOfLoops<Result>(
    _ read: (inout TemplateParser) throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    let around = loopDepth
    loopDepth = 0
    defer { loopDepth = around }
    return try read(&self)
  }
}
