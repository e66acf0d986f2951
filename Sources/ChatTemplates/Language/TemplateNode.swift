/// A statement of a template.
struct TemplateStatement: Sendable {
  indirect enum Kind: Sendable {
    case data(String)
    case output(TemplateExpression)
    case condition(
      [(test: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
    case loop(TemplateLoopStatement)
    case assignment(TemplateTarget, TemplateExpression)
    /// `{% set x %} … {% endset %}`; the filters are applied to the `captured` value.
    case capture(TemplateTarget, [TemplateStatement], filters: TemplateExpression)
    case macro(TemplateMacroDefinition)
    /// `{% generation %}`: what a model writes.
    case generation([TemplateStatement])
    case leave
    case next
  }

  var kind: Kind
  var line: Int
}

/// `{% for target in items if condition %}`.
struct TemplateLoopStatement: Sendable {
  var target: TemplateTarget
  var items: TemplateExpression
  var condition: TemplateExpression?
  var body: [TemplateStatement]
  /// Where there is no item.
  var otherwise: [TemplateStatement]
}

/// What a value is assigned to.
indirect enum TemplateTarget: Sendable {
  case name(String)
  case attribute(of: String, name: String)
  case tuple([TemplateTarget])
}

/// `{% macro name(parameters) %}`; shared, not copied, by the values that stand for it.
final class TemplateMacroDefinition: Sendable {
  let name: String
  let parameters: [(name: String, standard: TemplateExpression?)]
  let body: [TemplateStatement]

  init(
    name: String, parameters: [(name: String, standard: TemplateExpression?)],
    body: [TemplateStatement]
  ) {
    (self.name, self.parameters, self.body) = (name, parameters, body)
  }
}

/// An expression of a template.
struct TemplateExpression: Sendable {
  indirect enum Kind: Sendable {
    case constant(TemplateConstant)
    case name(String)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case mapping([(key: TemplateExpression, value: TemplateExpression)])
    case attribute(TemplateExpression, String)
    case item(TemplateExpression, TemplateExpression)
    case slice(
      TemplateExpression, TemplateExpression?, TemplateExpression?, step: TemplateExpression?)
    case call(TemplateExpression, TemplateArguments)
    case filter(TemplateExpression, TemplateFilter, TemplateArguments)
    case test(TemplateExpression, TemplateTest, TemplateArguments)
    case negative(TemplateExpression)
    case positive(TemplateExpression)
    case not(TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)
    case arithmetic(TemplateArithmetic, TemplateExpression, TemplateExpression)
    case concatenation([TemplateExpression])
    case comparison(TemplateExpression, [(TemplateComparison, TemplateExpression)])
    case conditional(TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
    /// What a `{% set %}` block wrote, before its filters.
    case captured
  }

  var kind: Kind
  var line: Int
}

enum TemplateConstant: Sendable {
  case none
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
}

enum TemplateArithmetic: String {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case divideWhole = "//"
  case remainder = "%"
  case power = "**"
}

enum TemplateComparison: String {
  case equal = "=="
  case unequal = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case isIn = "in"
  case isNotIn = "not in"
}

/// What is given to a call, a filter or a test.
struct TemplateArguments: Sendable {
  var values: [TemplateExpression] = []
  var named: [(name: String, value: TemplateExpression)] = []
}
