/// A test, `value is name`.
enum TemplateTest: String, CaseIterable {
  case boolean, callable, defined, divisibleby, eq, even, `false`, float, ge, gt, `in`, integer,
    iterable
  case le, lower, lt, mapping, ne, none, number, odd, sequence, string, `true`, undefined, upper

  static let aliases: [String: TemplateTest] = [
    "==": .eq, "equalto": .eq, "!=": .ne, ">": .gt, "greaterthan": .gt, ">=": .ge, "<": .lt,
    "lessthan": .lt, "<=": .le,
  ]

  private var parameters: [String] {
    switch self {
    case .eq, .ge, .gt, .in, .le, .lt, .ne, .divisibleby: ["value"]
    default: []
    }
  }

  func holds(
    for value: TemplateValue, _ given: GivenArguments, in renderer: TemplateRenderer
  ) throws -> Bool {
    let matched = try given.matched(
      "the test '\(rawValue)'", parameters, required: parameters.count, in: renderer)
    let other = matched.first.flatMap(\.self) ?? .none
    switch self {
    case .eq: return try renderer.compare(value, .equal, other)
    case .ne: return try renderer.compare(value, .unequal, other)
    case .lt: return try renderer.compare(value, .less, other)
    case .le: return try renderer.compare(value, .lessOrEqual, other)
    case .gt: return try renderer.compare(value, .greater, other)
    case .ge: return try renderer.compare(value, .greaterOrEqual, other)
    case .in: return try renderer.contains(other, value)
    case .even, .odd, .divisibleby:
      let divisor: TemplateValue = self == .divisibleby ? other : .integer(2)
      let remainder = try renderer.arithmetic(.remainder, value, divisor)
      return remainder.real == (self == .odd ? 1 : 0)
    case .lower, .upper:
      let text = try renderer.text(of: value)
      try renderer.charge(bytes: text.utf8.count)
      return self == .lower ? text.isPythonLowercase : text.isPythonUppercase
    default: return isKind(of: value)
    }
  }

  private func isKind(of value: TemplateValue) -> Bool {
    switch (self, value) {
    case (.defined, .undefined): false
    case (.defined, _): true
    case (.undefined, .undefined): true
    case (.none, .none): true
    case (.true, .boolean(let value)): value
    case (.false, .boolean(let value)): !value
    case (.boolean, .boolean): true
    case (.integer, .integer): true
    case (.float, .number): true
    case (.number, .integer), (.number, .number), (.number, .boolean): true
    case (.string, .text): true
    case (.mapping, .mapping): true
    // Something that is not there has no elements, and can be gone through.
    case (.iterable, .undefined), (.iterable, .text), (.iterable, .sequence),
      (.iterable, .mapping), (.iterable, .generator), (.iterable, .loop):
      true
    case (.sequence, .sequence(let sequence)): sequence.kind != .view
    case (.sequence, .undefined), (.sequence, .text), (.sequence, .mapping): true
    // Calling what is not there is an error that only the call makes.
    case (.callable, .undefined), (.callable, .macro), (.callable, .function), (.callable, .method):
      true
    default: false
    }
  }
}
