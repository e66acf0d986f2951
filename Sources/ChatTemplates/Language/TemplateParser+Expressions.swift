extension TemplateParser {
  /// An expression, or several with commas between them, which make a tuple.
  ///
  /// - Parameter withConditional: Whether `a if b else c` may stand there. Default: true.
  mutating func tuple(
    withConditional: Bool = true, inParentheses: Bool = false
  ) throws(TemplateFailure) -> TemplateExpression {
    let line = current.line
    var parts: [TemplateExpression] = []
    var isTuple = false
    while !isTupleEnd {
      parts.append(try withConditional ? expression() : disjunction())
      guard pass(",") else { break }
      isTuple = true
    }
    if isTuple || parts.isEmpty && inParentheses {
      return TemplateExpression(kind: .tuple(parts), line: line)
    }
    guard let only = parts.first else { throw unexpected("an expression") }
    return only
  }

  private var isTupleEnd: Bool {
    switch current.kind {
    case .expressionEnd, .statementEnd, .symbol(")"), .end: true
    case .name("recursive"): true
    default: false
    }
  }

  mutating func expression() throws(TemplateFailure) -> TemplateExpression {
    try nested { (parser) throws(TemplateFailure) in
      var value = try parser.disjunction()
      while parser.isAt(name: "if") {
        let line = parser.current.line
        parser.advance()
        let test = try parser.disjunction()
        let otherwise = try parser.pass(name: "else") ? parser.expression() : nil
        value = TemplateExpression(
          kind: .conditional(test, then: value, otherwise: otherwise), line: line)
      }
      return value
    }
  }

  private mutating func disjunction() throws(TemplateFailure) -> TemplateExpression {
    var left = try conjunction()
    var length = 0
    while isAt(name: "or") {
      let line = current.line
      advance()
      try requireShort(&length)
      left = TemplateExpression(kind: .or(left, try conjunction()), line: line)
    }
    return left
  }

  private mutating func conjunction() throws(TemplateFailure) -> TemplateExpression {
    var left = try negation()
    var length = 0
    while isAt(name: "and") {
      let line = current.line
      advance()
      try requireShort(&length)
      left = TemplateExpression(kind: .and(left, try negation()), line: line)
    }
    return left
  }

  /// A chain, as of sums, is a tree as deep as it is long.
  func requireShort(_ length: inout Int) throws(TemplateFailure) {
    length += 1
    guard length <= Self.longestChain else {
      throw TemplateFailure(
        line: current.line, kind: .limit,
        reason: "an expression of more than \(Self.longestChain) parts")
    }
  }

  private static let longestChain = 64

  private mutating func negation() throws(TemplateFailure) -> TemplateExpression {
    guard isAt(name: "not") else { return try comparison() }
    let line = current.line
    advance()
    let value = try nested { (parser) throws(TemplateFailure) in try parser.negation() }
    return TemplateExpression(kind: .not(value), line: line)
  }

  private mutating func comparison() throws(TemplateFailure) -> TemplateExpression {
    let line = current.line
    let first = try sum()
    var rest: [(TemplateComparison, TemplateExpression)] = []
    while true {
      let comparison: TemplateComparison
      switch current.kind {
      case .symbol(let symbol):
        guard let known = TemplateComparison(rawValue: symbol) else { return done() }
        comparison = known
      case .name("in"): comparison = .isIn
      case .name("not"):
        guard following.kind == .name("in") else { return done() }
        advance()
        comparison = .isNotIn
      default: return done()
      }
      advance()
      rest.append((comparison, try sum()))
    }

    func done() -> TemplateExpression {
      rest.isEmpty ? first : TemplateExpression(kind: .comparison(first, rest), line: line)
    }
  }

  private mutating func sum() throws(TemplateFailure) -> TemplateExpression {
    var left = try concatenation()
    var length = 0
    while case .symbol(let symbol) = current.kind, symbol == "+" || symbol == "-",
      let operation = TemplateArithmetic(rawValue: symbol)
    {
      let line = current.line
      advance()
      try requireShort(&length)
      left = TemplateExpression(
        kind: .arithmetic(operation, left, try concatenation()), line: line)
    }
    return left
  }

  private mutating func concatenation() throws(TemplateFailure) -> TemplateExpression {
    let line = current.line
    var parts = [try product()]
    while pass("~") { parts.append(try product()) }
    guard parts.count > 1 else { return parts[0] }
    return TemplateExpression(kind: .concatenation(parts), line: line)
  }

  private mutating func product() throws(TemplateFailure) -> TemplateExpression {
    var left = try power()
    var length = 0
    while case .symbol(let symbol) = current.kind, ["*", "/", "//", "%"].contains(symbol),
      let operation = TemplateArithmetic(rawValue: symbol)
    {
      let line = current.line
      if operation == .remainder, case .constant(.text) = left.kind {
        throw lacking("'%' to format a text")
      }
      advance()
      try requireShort(&length)
      left = TemplateExpression(kind: .arithmetic(operation, left, try power()), line: line)
    }
    return left
  }

  private mutating func power() throws(TemplateFailure) -> TemplateExpression {
    var left = try unary()
    var length = 0
    while isAt("**") {
      let line = current.line
      advance()
      try requireShort(&length)
      left = TemplateExpression(kind: .arithmetic(.power, left, try unary()), line: line)
    }
    return left
  }

  private mutating func unary(withFilters: Bool = true) throws(TemplateFailure)
    -> TemplateExpression
  {
    try nested { (parser) throws(TemplateFailure) in
      let line = parser.current.line
      var value: TemplateExpression
      if parser.pass("-") {
        value = TemplateExpression(
          kind: .negative(try parser.unary(withFilters: false)), line: line)
      } else if parser.pass("+") {
        value = TemplateExpression(
          kind: .positive(try parser.unary(withFilters: false)), line: line)
      } else {
        value = try parser.primary()
      }
      value = try parser.postfix(value)
      return withFilters ? try parser.filters(of: value) : value
    }
  }

  mutating func primary() throws(TemplateFailure) -> TemplateExpression {
    let token = current
    func constant(_ constant: TemplateConstant) -> TemplateExpression {
      TemplateExpression(kind: .constant(constant), line: token.line)
    }
    switch token.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return constant(.boolean(true))
      case "false", "False": return constant(.boolean(false))
      case "none", "None": return constant(.none)
      default: break
      }
      if Self.lackingNames.contains(name), !assigned.contains(name) {
        throw lacking("'\(name)'", line: token.line)
      }
      return TemplateExpression(kind: .name(name), line: token.line)
    case .text(var text):
      advance()
      while case .text(let more) = current.kind {
        text += more
        advance()
      }
      return constant(.text(text))
    case .integer(let value):
      advance()
      return constant(.integer(value))
    case .number(let value):
      advance()
      return constant(.number(value))
    case .symbol("("):
      advance()
      let value = try nested { (parser) throws(TemplateFailure) in
        try parser.tuple(inParentheses: true)
      }
      try expect(")")
      return value
    case .symbol("["):
      advance()
      let elements = try list(endedBy: "]")
      return TemplateExpression(kind: .list(elements), line: token.line)
    case .symbol("{"):
      advance()
      return TemplateExpression(kind: .mapping(try members()), line: token.line)
    default: throw unexpected("an expression")
    }
  }

  /// What Jinja gives every template, or every macro, and the interpreter does not have.
  private static let lackingNames: Set<String> = [
    "lipsum", "cycler", "joiner", "varargs", "kwargs", "caller", "self", "super",
  ]

  private mutating func list(endedBy end: String) throws(TemplateFailure) -> [TemplateExpression] {
    var elements: [TemplateExpression] = []
    while !isAt(end) {
      if !elements.isEmpty {
        try expect(",")
        if isAt(end) { break }
      }
      elements.append(try expression())
    }
    try expect(end)
    return elements
  }

  private mutating func members() throws(TemplateFailure) -> [(
    key: TemplateExpression, value: TemplateExpression
  )] {
    var members: [(key: TemplateExpression, value: TemplateExpression)] = []
    while !isAt("}") {
      if !members.isEmpty {
        try expect(",")
        if isAt("}") { break }
      }
      let key = try expression()
      try expect(":")
      members.append((key, try expression()))
    }
    try expect("}")
    return members
  }
}
