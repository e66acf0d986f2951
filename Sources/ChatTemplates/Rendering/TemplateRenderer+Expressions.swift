extension TemplateRenderer {
  /// The value of an expression; `evaluate` counts its steps and depth.
  func value(of expression: TemplateExpression, in scope: TemplateScope) throws -> TemplateValue {
    switch expression.kind {
    case .constant(let constant): return value(of: constant)
    case .name(let name):
      // A template may be one name of a megabyte, many times.
      try charge(name.utf8.count / 8)
      return scope[name] ?? .undefined("'\(name)'")
    case .list(let elements): return try list(elements.map { try evaluate($0, in: scope) })
    case .tuple(let elements): return try list(elements.map { try evaluate($0, in: scope) }, .tuple)
    case .mapping(let members):
      var mapping = TemplateMapping()
      for (key, value) in members {
        try set(evaluate(key, in: scope), of: &mapping, to: evaluate(value, in: scope))
      }
      return .mapping(mapping)
    case .attribute(let owner, let name): return try attribute(name, of: evaluate(owner, in: scope))
    case .item(let owner, let key):
      let owner = try evaluate(owner, in: scope)
      return try item(evaluate(key, in: scope), of: owner)
    case .slice(let owner, let first, let last, let step):
      let owner = try evaluate(owner, in: scope)
      func bound(_ expression: TemplateExpression?) throws -> TemplateValue {
        try expression.map { try evaluate($0, in: scope) } ?? .none
      }
      return try slice(owner, from: bound(first), to: bound(last), step: bound(step))
    case .call(let callee, let arguments):
      let callee = try evaluate(callee, in: scope)
      let given = try given(arguments, in: scope)
      return try call(callee, given)
    case .filter(let value, let filter, let arguments):
      let value = try evaluate(value, in: scope)
      return try apply(filter, to: value, given(arguments, in: scope))
    case .test(let value, let test, let arguments):
      let value = try evaluate(value, in: scope)
      return .boolean(try test.holds(for: value, given(arguments, in: scope), in: self))
    case .captured: return captured ?? .text("")
    default: return try operation(expression, in: scope)
    }
  }

  private func value(of constant: TemplateConstant) -> TemplateValue {
    switch constant {
    case .none: .none
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    case .text(let text): .text(text)
    }
  }

  private func operation(
    _ expression: TemplateExpression, in scope: TemplateScope
  ) throws -> TemplateValue {
    switch expression.kind {
    case .negative(let value): return try signed(evaluate(value, in: scope), isNegative: true)
    case .positive(let value): return try signed(evaluate(value, in: scope), isNegative: false)
    case .not(let value): return .boolean(try !evaluate(value, in: scope).isTrue)
    case .and(let left, let right):
      let left = try evaluate(left, in: scope)
      return try left.isTrue ? evaluate(right, in: scope) : left
    case .or(let left, let right):
      let left = try evaluate(left, in: scope)
      return try left.isTrue ? left : evaluate(right, in: scope)
    case .arithmetic(let operation, let left, let right):
      let left = try evaluate(left, in: scope)
      return try arithmetic(operation, left, evaluate(right, in: scope))
    case .concatenation(let parts):
      var text = ""
      for part in parts {
        let part = try self.text(of: evaluate(part, in: scope))
        try charge(bytes: part.utf8.count)
        text += part
      }
      return .text(text)
    case .comparison(let first, let rest):
      var left = try evaluate(first, in: scope)
      for (comparison, right) in rest {
        let right = try evaluate(right, in: scope)
        guard try compare(left, comparison, right) else { return .boolean(false) }
        left = right
      }
      return .boolean(true)
    case .conditional(let test, let value, let otherwise):
      if try evaluate(test, in: scope).isTrue { return try evaluate(value, in: scope) }
      guard let otherwise else { return .undefined("what an 'if' without 'else' gives") }
      return try evaluate(otherwise, in: scope)
    default: return .none
    }
  }

  /// The values of arguments.
  private func given(
    _ arguments: TemplateArguments, in scope: TemplateScope
  ) throws -> GivenArguments {
    GivenArguments(
      values: try arguments.values.map { try evaluate($0, in: scope) },
      named: try arguments.named.map { ($0.name, try evaluate($0.value, in: scope)) })
  }

  private func call(_ callee: TemplateValue, _ given: GivenArguments) throws -> TemplateValue {
    switch callee {
    case .macro(let macro): return try call(macro, given.values, given.named)
    case .function(let function): return try function.call(given, in: self)
    case .method(let method): return try method.call(given, in: self)
    case .undefined(let name): throw undefined(name)
    default: throw evaluation("\(callee.typeName) is called")
    }
  }

  // MARK: - Attributes and items

  /// `value.name`: a method or attribute first, then what a mapping holds under the name.
  func attribute(_ name: String, of value: TemplateValue) throws -> TemplateValue {
    try charge(name.utf8.count / 8)
    switch value {
    case .undefined(let missing): throw undefined(missing)
    case .mapping(let mapping):
      if let method = TemplateMethod(name, of: value) { return .method(method) }
      return mapping[name] ?? .undefined("'\(name)' of a mapping")
    case .namespace(let namespace):
      try chargeSearch(for: name, in: namespace)
      return namespace[name] ?? .undefined("'\(name)' of a namespace")
    case .loop(let loop): return try loop.attribute(name, in: self)
    case .macro, .function, .method:
      throw lacking("the attribute '\(name)' of \(value.typeName)")
    default:
      if let method = TemplateMethod(name, of: value) { return .method(method) }
      return .undefined("'\(name)' of \(value.typeName)")
    }
  }

  /// `value[key]`: what is held under the key first, then an attribute of this name.
  func item(_ key: TemplateValue, of value: TemplateValue) throws -> TemplateValue {
    switch value {
    case .undefined(let name): throw undefined(name)
    case .mapping(let mapping):
      if let hashed = try hashed(key), let found = mapping[hashed] { return found }
    case .sequence(let sequence) where sequence.kind != .view:
      if let index = key.whole {
        let place = index < 0 ? index + sequence.elements.count : index
        guard sequence.elements.indices.contains(place) else {
          return .undefined("element \(index) of \(value.typeName)")
        }
        return sequence.elements[place]
      }
    case .text(let text):
      if let index = key.whole {
        try charge(bytes: text.utf8.count)
        let scalars = text.unicodeScalars
        let place = index < 0 ? index + scalars.count : index
        guard place >= 0,
          let found = scalars.index(
            scalars.startIndex, offsetBy: place, limitedBy: scalars.endIndex),
          found < scalars.endIndex
        else { return .undefined("character \(index) of a text") }
        return .text(String(scalars[found]))
      }
    default: break
    }
    if case .text(let name) = key { return try attribute(name, of: value) }
    return .undefined("an item of \(value.typeName)")
  }

  func slice(
    _ value: TemplateValue, from first: TemplateValue, to last: TemplateValue, step: TemplateValue
  ) throws -> TemplateValue {
    func bound(_ value: TemplateValue) throws -> Int? {
      if case .none = value { return nil }
      guard let whole = value.whole else {
        throw evaluation("\(value.typeName) as a bound of a part")
      }
      return whole
    }
    let (first, last, step) = (try bound(first), try bound(last), try bound(step) ?? 1)
    guard step != 0, step != Int.min else { throw evaluation("parts of every \(step). element") }
    func places(_ count: Int) -> [Int] {
      // Python's rules: bounds from the end are negative, and those outside are moved inside.
      func clamped(_ bound: Int?, _ standard: Int) -> Int {
        guard let bound else { return standard }
        let place = bound < 0 ? bound &+ count : bound
        return step > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
      }
      let start = clamped(first, step > 0 ? 0 : count - 1)
      let end = clamped(last, step > 0 ? count : -1)
      return Array(stride(from: start, to: end, by: step))
    }
    switch value {
    case .undefined(let name): throw undefined(name)
    case .sequence(let sequence) where sequence.kind != .view:
      return try list(places(sequence.elements.count).map { sequence.elements[$0] }, sequence.kind)
    case .text(let text):
      try charge(4 * text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      return try self.text(String(places(scalars.count).map { scalars[$0] }))
    default: throw evaluation("a part of \(value.typeName)")
    }
  }

  /// What a loop goes through.
  func elements(of value: TemplateValue) throws -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .sequence(let sequence):
      try charge(sequence.elements.count)
      return sequence.elements
    case .generator(let generator):
      let rest = try generator.rest()
      try charge(rest.count)
      return Array(rest)
    case .mapping(let mapping):
      try charge(mapping.keys.count)
      return mapping.keys
    case .text(let text):
      try charge(4 * text.utf8.count)
      return text.unicodeScalars.map { .text(String($0)) }
    case .loop: throw lacking("the elements of a loop")
    default: throw evaluation("\(value.typeName) has no elements")
    }
  }
}
