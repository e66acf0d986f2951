/// Renders a template: goes through its statements and writes text.
///
/// Whatever the template, it ends: every step and every byte is counted, and so is how deep calls are
/// nested.
final class TemplateRenderer {
  /// How a statement ends.
  enum Flow {
    case goesOn
    /// `break`.
    case leavesLoop
    /// `continue`.
    case nextRound
  }

  /// Steps that a rendering may take; eight bytes of text are a step.
  static let mostSteps = 1 << 24
  /// Statements and expressions that may be at work within each other.
  static let deepest = 300
  /// Lists and mappings may be nested this deep, and so many filters may wait for each other.
  static let deepestValue = 64

  private var stepsLeft = mostSteps
  private var depth = 0
  /// Where the template is.
  private(set) var line = 1
  private(set) var output = ""
  /// Bytes of the output that stand in `{% generation %}`.
  private(set) var generated: [Range<Int>] = []
  /// For `strftime_now`; nil: the template can not ask for it.
  let date: TemplateDate?
  /// Of the block that `{% set %}` captured.
  var captured: TemplateValue?

  init(date: TemplateDate?) { self.date = date }

  // MARK: - Limits and failures

  func charge(_ steps: Int) throws {
    stepsLeft -= steps
    guard stepsLeft >= 0 else {
      throw TemplateFailure(
        line: line, kind: .limit, reason: "more than \(Self.mostSteps) steps")
    }
  }

  func charge(bytes: Int) throws { try charge(1 + bytes / 8) }

  /// Counts that the names of all attributes may be compared with one.
  func chargeSearch(for name: String, in namespace: TemplateNamespace) throws {
    try charge(namespace.attributes.count * (1 + name.utf8.count / 8))
  }

  /// Runs `body` one level deeper.
  private func nested<Result>(line: Int, _ body: () throws -> Result) throws -> Result {
    self.line = line
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else {
      throw TemplateFailure(
        line: line, kind: .limit, reason: "statements \(Self.deepest) deep within each other")
    }
    try charge(1)
    return try body()
  }

  func evaluation(_ reason: String) -> TemplateFailure {
    TemplateFailure(line: line, kind: .evaluation, reason: reason)
  }

  func lacking(_ what: String) -> TemplateFailure {
    TemplateFailure(line: line, kind: .lacking, reason: what)
  }

  func refused(_ reason: String) -> TemplateFailure {
    TemplateFailure(line: line, kind: .refused, reason: reason)
  }

  /// What stops a use of something that is not there.
  func undefined(_ name: String) -> TemplateFailure { evaluation("\(name) is not defined") }

  // MARK: - Making values

  func list(_ elements: [TemplateValue], _ kind: TemplateSequence.Kind = .list) throws
    -> TemplateValue
  {
    .sequence(
      TemplateSequence(kind: kind, elements: elements, depth: try depth(around: elements)))
  }

  /// Elements that are made when someone asks for the first.
  ///
  /// - Parameter sources: What `make` looks at.
  func generator(
    of sources: [TemplateValue], _ make: @escaping () throws -> [TemplateValue]
  ) throws -> TemplateValue {
    let waiting = 1 + (sources.map(\.waitingFilters).max() ?? 0)
    guard waiting <= Self.deepestValue else {
      throw TemplateFailure(
        line: line, kind: .limit,
        reason: "more than \(Self.deepestValue) filters, each of what another one gives")
    }
    return .generator(TemplateGenerator(waitingFilters: waiting, make))
  }

  func set(_ key: TemplateValue, of mapping: inout TemplateMapping, to value: TemplateValue) throws
  {
    guard let hashed = try hashed(key) else {
      throw evaluation("\(key.typeName) as a key of a mapping")
    }
    try charge(1)
    mapping.set(key, hashed, to: value, depth: try depth(around: [value]) - 1)
  }

  private func depth(around elements: [TemplateValue]) throws -> Int {
    try charge(1 + 2 * elements.count)
    var deepest = 0
    for element in elements {
      guard let depth = element.depth else {
        throw lacking("\(element.typeName) inside of a list, a mapping or a namespace")
      }
      deepest = max(deepest, depth)
    }
    guard deepest < Self.deepestValue else {
      throw TemplateFailure(
        line: line, kind: .limit, reason: "lists nested deeper than \(Self.deepestValue) levels")
    }
    return deepest + 1
  }

  /// A text that was made of one that is about as long.
  func text(_ text: String) throws -> TemplateValue {
    try charge(bytes: text.utf8.count)
    return .text(text)
  }

  /// Texts one after the other. What is made of several texts may be far longer than all that there was
  /// before, so it is counted before it is there.
  func joined(_ texts: [String], separator: String) throws -> String {
    for text in texts { try charge(bytes: text.utf8.count + separator.utf8.count) }
    return texts.joined(separator: separator)
  }

  // MARK: - Statements

  func run(_ statements: [TemplateStatement], in scope: TemplateScope) throws -> Flow {
    for statement in statements {
      let flow = try nested(line: statement.line) { try run(statement, in: scope) }
      guard case .goesOn = flow else { return flow }
    }
    return .goesOn
  }

  private func run(_ statement: TemplateStatement, in scope: TemplateScope) throws -> Flow {
    switch statement.kind {
    case .data(let text): try write(text)
    case .output(let value): try write(text(of: evaluate(value, in: scope)))
    case .condition(let branches, let otherwise):
      for (test, body) in branches where try evaluate(test, in: scope).isTrue {
        return try run(body, in: scope)
      }
      return try run(otherwise, in: scope)
    case .loop(let loop): return try run(loop, in: scope)
    case .assignment(let target, let value):
      try assign(evaluate(value, in: scope), to: target, in: scope)
    case .capture(let target, let body, let filters):
      let text = try capturing(TemplateScope(in: scope)) { _ = try run(body, in: $0) }
      let around = captured
      captured = .text(text)
      defer { captured = around }
      try assign(evaluate(filters, in: scope), to: target, in: scope)
    case .macro(let definition):
      scope[definition.name] = .macro(TemplateMacro(definition, scope: scope))
    case .generation(let body):
      let begin = output.utf8.count
      let inner = TemplateScope(in: scope)
      defer { inner.clear() }
      _ = try run(body, in: inner)
      generated.append(begin..<output.utf8.count)
    case .leave: return .leavesLoop
    case .next: return .nextRound
    }
    return .goesOn
  }

  private func write(_ text: String) throws {
    try charge(bytes: text.utf8.count)
    output += text
  }

  /// What `body` writes, instead of writing it.
  private func capturing(
    _ scope: TemplateScope, _ body: (TemplateScope) throws -> Void
  ) throws -> String {
    let around = output
    output = ""
    defer {
      output = around
      scope.clear()
    }
    try body(scope)
    return output
  }

  private func run(_ loop: TemplateLoopStatement, in scope: TemplateScope) throws -> Flow {
    var items = try elements(of: evaluate(loop.items, in: scope))
    if let condition = loop.condition {
      items = try items.filter { item in
        let inner = TemplateScope(in: scope)
        defer { inner.clear() }
        try assign(item, to: loop.target, in: inner)
        return try evaluate(condition, in: inner).isTrue
      }
    }
    guard !items.isEmpty else {
      let inner = TemplateScope(in: scope)
      defer { inner.clear() }
      return try run(loop.otherwise, in: inner)
    }
    let around: Int = if case .loop(let outer)? = scope["loop"] { outer.depth } else { 0 }
    let state = TemplateLoop(items, depth: around + 1)
    for (index, item) in items.enumerated() {
      state.index = index
      let inner = TemplateScope(in: scope)
      defer { inner.clear() }
      try assign(item, to: loop.target, in: inner)
      inner["loop"] = .loop(state)
      try charge(1)
      if case .leavesLoop = try run(loop.body, in: inner) { break }
    }
    return .goesOn
  }

  private func assign(
    _ value: TemplateValue, to target: TemplateTarget, in scope: TemplateScope
  ) throws {
    switch target {
    case .name(let name):
      try charge(name.utf8.count / 8)
      scope[name] = value
    case .attribute(let owner, let name):
      guard case .namespace(let namespace)? = scope[owner] else {
        throw evaluation("'\(owner).\(name)' is set, and '\(owner)' is no namespace")
      }
      guard name.utf8.first != UInt8(ascii: "_") else {
        throw lacking("the attribute '\(name)' of a namespace")
      }
      _ = try depth(around: [value])
      try chargeSearch(for: name, in: namespace)
      namespace[name] = value
    case .tuple(let targets):
      let values = try elements(of: value)
      guard values.count == targets.count else {
        throw evaluation("\(values.count) values for \(targets.count) names")
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target, in: scope) }
    }
  }

  // MARK: - Calls

  func call(
    _ macro: TemplateMacro, _ values: [TemplateValue],
    _ named: [(name: String, value: TemplateValue)]
  ) throws -> TemplateValue {
    let definition = macro.definition
    guard values.count <= definition.parameters.count else {
      throw evaluation("the macro '\(definition.name)' takes \(definition.parameters.count) values")
    }
    let inner = TemplateScope(in: macro.scope)
    for parameter in definition.parameters {
      try charge(bytes: parameter.name.utf8.count * (1 + named.count))
    }
    let known = Set(definition.parameters.map(\.name))
    for (name, _) in named where !known.contains(name) {
      throw evaluation("the macro '\(definition.name)' takes no '\(name)'")
    }
    return try nested(line: line) {
      let text = try capturing(inner) { scope in
        for (index, parameter) in definition.parameters.enumerated() {
          let given = named.first { $0.name == parameter.name }?.value
          if index < values.count {
            guard given == nil else {
              throw evaluation("the macro '\(definition.name)' gets '\(parameter.name)' twice")
            }
            scope[parameter.name] = values[index]
          } else if let given {
            scope[parameter.name] = given
          } else if let standard = parameter.standard {
            scope[parameter.name] = try evaluate(standard, in: scope)
          } else {
            scope[parameter.name] = .undefined("the parameter '\(parameter.name)'")
          }
        }
        _ = try run(definition.body, in: scope)
      }
      return .text(text)
    }
  }

  func evaluate(_ expression: TemplateExpression, in scope: TemplateScope) throws -> TemplateValue {
    try nested(line: expression.line) { try value(of: expression, in: scope) }
  }
}
