/// What stands behind a value: attributes, indices, calls, filters and tests.
extension TemplateParser {
  /// `value.name`, `value[…]` and `value(…)`, as often as they follow.
  mutating func postfix(_ value: TemplateExpression) throws(TemplateFailure)
    -> TemplateExpression
  {
    var value = value
    var length = 0
    while true {
      let line = current.line
      if pass(".") {
        if case .integer(let index) = current.kind {
          advance()
          let item = TemplateExpression(kind: .constant(.integer(index)), line: line)
          value = TemplateExpression(kind: .item(value, item), line: line)
        } else {
          let name = try expectName()
          if name.utf8.starts(with: "__".utf8) {
            throw lacking("the attribute '\(name)'", line: line)
          }
          if isAt("("), !TemplateMethod.isKnown(name) {
            throw lacking("the method '\(name)'", line: line)
          }
          value = TemplateExpression(kind: .attribute(value, name), line: line)
        }
      } else if isAt("[") {
        advance()
        value = try subscripted(value, line: line)
      } else if isAt("(") {
        value = TemplateExpression(kind: .call(value, try arguments()), line: line)
      } else {
        return value
      }
      try requireShort(&length)
    }
  }

  private mutating func subscripted(
    _ value: TemplateExpression, line: Int
  ) throws(TemplateFailure) -> TemplateExpression {
    func isEnd() -> Bool { isAt("]") || isAt(",") }
    let first: TemplateExpression? = isAt(":") ? nil : try expression()
    guard pass(":") else {
      guard let first else { throw unexpected("an index") }
      if isAt(",") { throw lacking("an index of several parts") }
      try expect("]")
      return TemplateExpression(kind: .item(value, first), line: line)
    }
    let second: TemplateExpression? = isAt(":") || isEnd() ? nil : try expression()
    let step: TemplateExpression? = pass(":") && !isEnd() ? try expression() : nil
    if isAt(",") { throw lacking("an index of several parts") }
    try expect("]")
    return TemplateExpression(kind: .slice(value, first, second, step: step), line: line)
  }

  mutating func arguments() throws(TemplateFailure) -> TemplateArguments {
    try expect("(")
    var arguments = TemplateArguments()
    var isFirst = true
    while !isAt(")") {
      if !isFirst {
        try expect(",")
        if isAt(")") { break }
      }
      isFirst = false
      if isAt("*") || isAt("**") { throw lacking("'*' in front of an argument") }
      if case .name(let name) = current.kind, following.kind == .symbol("=") {
        advance()
        advance()
        arguments.named.append((name, try expression()))
      } else {
        guard arguments.named.isEmpty else { throw unexpected("an argument with a name") }
        arguments.values.append(try expression())
      }
    }
    try expect(")")
    return arguments
  }

  /// Filters, tests and calls, as often as they follow.
  mutating func filters(of value: TemplateExpression) throws(TemplateFailure)
    -> TemplateExpression
  {
    var value = value
    var length = 0
    while true {
      if isAt("|") {
        value = try filter(of: value)
      } else if isAt(name: "is") {
        value = try test(of: value)
      } else if isAt("(") {
        let line = current.line
        value = TemplateExpression(kind: .call(value, try arguments()), line: line)
      } else {
        return value
      }
      try requireShort(&length)
    }
  }

  /// One filter, which begins with `|`.
  mutating func filter(of value: TemplateExpression) throws(TemplateFailure) -> TemplateExpression {
    try expect("|")
    let line = current.line
    let name = try expectName()
    guard let filter = TemplateFilter(rawValue: name) ?? TemplateFilter.aliases[name] else {
      throw lacking("the filter '\(name)'", line: line)
    }
    let arguments = try isAt("(") ? arguments() : TemplateArguments()
    if filter == .map || filter.chooses {
      try requireKnown(namesIn: arguments, of: filter, line: line)
    }
    // Its text is escaped with what is added to it, which only the end of an expression is free of.
    if filter == .safe, current.kind != .expressionEnd {
      throw lacking("the filter 'safe' but at the end of '{{ }}'", line: line)
    }
    return TemplateExpression(kind: .filter(value, filter, arguments), line: line)
  }

  /// `map('filter')` and `select('test')` name what they apply.
  private func requireKnown(
    namesIn arguments: TemplateArguments, of filter: TemplateFilter, line: Int
  ) throws(TemplateFailure) {
    let place = filter == .selectattr || filter == .rejectattr ? 1 : 0
    guard arguments.values.count > place else { return }
    guard case .constant(.text(let name)) = arguments.values[place].kind else {
      throw lacking("'\(filter.rawValue)' with a name that is computed", line: line)
    }
    if filter == .map {
      let known = TemplateFilter(rawValue: name) ?? TemplateFilter.aliases[name]
      guard let known, known != .map, !known.chooses, known != .safe else {
        throw lacking("the filter '\(name)' in 'map'", line: line)
      }
    } else if TemplateTest(rawValue: name) == nil && TemplateTest.aliases[name] == nil {
      throw lacking("the test '\(name)'", line: line)
    }
  }

  private mutating func test(of value: TemplateExpression) throws(TemplateFailure)
    -> TemplateExpression
  {
    advance()
    let isNegated = pass(name: "not")
    let line = current.line
    let name = try expectName()
    guard let test = TemplateTest(rawValue: name) ?? TemplateTest.aliases[name] else {
      throw lacking("the test '\(name)'", line: line)
    }
    var arguments = TemplateArguments()
    if isAt("(") {
      arguments = try self.arguments()
    } else if isAt(name: "is") {
      throw TemplateFailure(line: line, kind: .syntax, reason: "a test of a test")
    } else if beginsArgument {
      arguments.values = [try postfix(primary())]
    }
    let kind = TemplateExpression.Kind.test(value, test, arguments)
    let result = TemplateExpression(kind: kind, line: line)
    return isNegated ? TemplateExpression(kind: .not(result), line: line) : result
  }

  /// Whether what follows a test's name is its argument: `is divisibleby 3`.
  private var beginsArgument: Bool {
    switch current.kind {
    case .name(let name): !["else", "or", "and"].contains(name)
    case .text, .integer, .number, .symbol("["), .symbol("{"): true
    default: false
    }
  }
}
