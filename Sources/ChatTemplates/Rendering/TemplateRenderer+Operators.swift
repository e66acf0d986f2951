import Foundation

extension TemplateRenderer {
  func signed(_ value: TemplateValue, isNegative: Bool) throws -> TemplateValue {
    if case .undefined(let name) = value { throw undefined(name) }
    if let whole = value.whole {
      guard whole != Int.min else { throw tooLarge() }
      return .integer(isNegative ? -whole : whole)
    }
    guard let number = value.real else { throw evaluation("a sign before \(value.typeName)") }
    return .number(isNegative ? -number : number)
  }

  private func tooLarge() -> TemplateFailure {
    lacking("whole numbers of more than 64 bits")
  }

  // MARK: - Arithmetic

  func arithmetic(
    _ operation: TemplateArithmetic, _ left: TemplateValue, _ right: TemplateValue
  ) throws -> TemplateValue {
    // Even by what is not there: Python finds nothing in the text to put it.
    if operation == .remainder, case .text = left { throw lacking("'%' to format a text") }
    for case .undefined(let name) in [left, right] { throw undefined(name) }
    if let left = left.whole, let right = right.whole { return try whole(operation, left, right) }
    if let left = left.real, let right = right.real { return try real(operation, left, right) }
    switch (operation, left, right) {
    case (.add, .text(let left), .text(let right)):
      try charge(bytes: left.utf8.count + right.utf8.count)
      return .text(left + right)
    case (.add, .sequence(let first), .sequence(let second))
    where first.kind == second.kind && (first.kind == .list || first.kind == .tuple):
      return try list(first.elements + second.elements, first.kind)
    case (.multiply, .text, _), (.multiply, .sequence, _):
      if let count = right.whole { return try repeated(left, count) }
    case (.multiply, _, .text), (.multiply, _, .sequence):
      if let count = left.whole { return try repeated(right, count) }
    default: break
    }
    throw evaluation(
      "'\(operation.rawValue)' between \(left.typeName) and \(right.typeName)")
  }

  private func repeated(_ value: TemplateValue, _ count: Int) throws -> TemplateValue {
    let count = max(0, count)
    switch value {
    case .text(let text):
      let (size, isTooLarge) = text.utf8.count.multipliedReportingOverflow(by: count)
      try charge(bytes: isTooLarge ? Int.max / 2 : size)
      return .text(String(repeating: text, count: count))
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      let (size, isTooLarge) = sequence.elements.count.multipliedReportingOverflow(by: count)
      try charge(isTooLarge ? Int.max / 2 : size)
      let elements = Array(repeatElement(sequence.elements, count: count).joined())
      return try list(elements, sequence.kind)
    default: throw evaluation("'*' between \(value.typeName) and a whole number")
    }
  }

  private func whole(
    _ operation: TemplateArithmetic, _ left: Int, _ right: Int
  ) throws -> TemplateValue {
    func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> TemplateValue {
      guard !result.overflow else { throw tooLarge() }
      return .integer(result.partialValue)
    }
    switch operation {
    case .add: return try checked(left.addingReportingOverflow(right))
    case .subtract: return try checked(left.subtractingReportingOverflow(right))
    case .multiply: return try checked(left.multipliedReportingOverflow(by: right))
    case .divide: return try real(.divide, Double(left), Double(right))
    case .divideWhole, .remainder:
      guard right != 0 else { throw evaluation("a division by zero") }
      guard !(left == Int.min && right == -1) else { throw tooLarge() }
      let (quotient, remainder) = left.quotientAndRemainder(dividingBy: right)
      // Python rounds down, and the remainder has the divisor's sign.
      let isOff = remainder != 0 && (remainder < 0) != (right < 0)
      return .integer(
        operation == .remainder
          ? (isOff ? remainder + right : remainder) : (isOff ? quotient - 1 : quotient))
    case .power:
      guard right >= 0 else { return try real(.power, Double(left), Double(right)) }
      var (result, factor, exponent) = (1, left, right)
      while exponent > 0 {
        if exponent & 1 == 1 {
          let product = result.multipliedReportingOverflow(by: factor)
          guard !product.overflow else { throw tooLarge() }
          result = product.partialValue
        }
        exponent >>= 1
        if exponent > 0 {
          let square = factor.multipliedReportingOverflow(by: factor)
          guard !square.overflow else { throw tooLarge() }
          factor = square.partialValue
        }
      }
      return .integer(result)
    }
  }

  private func real(
    _ operation: TemplateArithmetic, _ left: Double, _ right: Double
  ) throws -> TemplateValue {
    switch operation {
    case .add: return .number(left + right)
    case .subtract: return .number(left - right)
    case .multiply: return .number(left * right)
    case .divide, .divideWhole, .remainder:
      guard right != 0 else { throw evaluation("a division by zero") }
      if operation == .divide { return .number(left / right) }
      // Python's way: the quotient comes from the remainder, which is exact.
      var remainder = fmod(left, right)
      var quotient = (left - remainder) / right
      if remainder != 0 {
        if (right < 0) != (remainder < 0) {
          remainder += right
          quotient -= 1
        }
      } else {
        remainder = right < 0 ? -0.0 : 0.0
      }
      if operation == .remainder { return .number(remainder) }
      guard quotient != 0 else { return .number((left / right).sign == .minus ? -0.0 : 0.0) }
      let floored = quotient.rounded(.down)
      return .number(quotient - floored > 0.5 ? floored + 1 : floored)
    case .power:
      let result = pow(left, right)
      guard result.isFinite || !left.isFinite || !right.isFinite else {
        throw evaluation("\(left.pythonText) ** \(right.pythonText) is no number")
      }
      return .number(result)
    }
  }

  // MARK: - Comparison

  func compare(
    _ left: TemplateValue, _ comparison: TemplateComparison, _ right: TemplateValue
  ) throws -> Bool {
    switch comparison {
    case .equal: try areEqual(left, right)
    case .unequal: try !areEqual(left, right)
    case .less: try precedes(left, right)
    case .greater: try precedes(right, left)
    case .lessOrEqual: try precedes(left, right, orEqual: true)
    case .greaterOrEqual: try precedes(right, left, orEqual: true)
    case .isIn: try contains(right, left)
    case .isNotIn: try !contains(right, left)
    }
  }

  func areEqual(_ left: TemplateValue, _ right: TemplateValue) throws -> Bool {
    try charge(1)
    if let left = left.whole, let right = right.whole { return left == right }
    if let left = left.real, let right = right.real { return left == right }
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let left), .text(let right)):
      try charge(bytes: min(left.utf8.count, right.utf8.count))
      return left.utf8.elementsEqual(right.utf8)
    case (.sequence(let left), .sequence(let right)):
      guard left.kind == right.kind, left.elements.count == right.elements.count else {
        return false
      }
      for (left, right) in zip(left.elements, right.elements) where try !areEqual(left, right) {
        return false
      }
      return true
    case (.mapping(let left), .mapping(let right)):
      guard left.keys.count == right.keys.count else { return false }
      for (key, value) in zip(left.keys, left.values) {
        guard let hashed = try hashed(key), let other = right[hashed],
          try areEqual(value, other)
        else { return false }
      }
      return true
    case (.namespace(let left), .namespace(let right)): return left === right
    case (.loop(let left), .loop(let right)): return left === right
    case (.generator(let left), .generator(let right)): return left === right
    case (.macro(let left), .macro(let right)): return left === right
    default: return false
    }
  }

  /// Whether a value comes before another one in Python's order.
  func precedes(
    _ left: TemplateValue, _ right: TemplateValue, orEqual: Bool = false
  ) throws -> Bool {
    try charge(1)
    for case .undefined(let name) in [left, right] { throw undefined(name) }
    if let left = left.whole, let right = right.whole {
      return orEqual ? left <= right : left < right
    }
    if let left = left.real, let right = right.real {
      return orEqual ? left <= right : left < right
    }
    switch (left, right) {
    case (.text(let left), .text(let right)):
      try charge(bytes: min(left.utf8.count, right.utf8.count))
      // The order of UTF-8's bytes is that of the characters' numbers.
      let isBefore = left.utf8.lexicographicallyPrecedes(right.utf8)
      return isBefore || orEqual && left.utf8.elementsEqual(right.utf8)
    case (.sequence(let first), .sequence(let second))
    where first.kind == second.kind && (first.kind == .list || first.kind == .tuple):
      for (left, right) in zip(first.elements, second.elements)
      where try !areEqual(left, right) {
        return try precedes(left, right, orEqual: orEqual)
      }
      let (left, right) = (first.elements.count, second.elements.count)
      return orEqual ? left <= right : left < right
    default:
      throw evaluation("\(left.typeName) and \(right.typeName) have no order")
    }
  }

  func contains(_ container: TemplateValue, _ value: TemplateValue) throws -> Bool {
    switch container {
    case .text(let text):
      guard case .text(let part) = value else {
        if case .undefined(let name) = value { throw undefined(name) }
        throw evaluation("\(value.typeName) in a text")
      }
      return try find(part, in: text) != nil
    case .mapping(let mapping):
      guard let key = try hashed(value) else {
        throw evaluation("\(value.typeName) as a key of a mapping")
      }
      return mapping[key] != nil
    case .generator(let generator):
      while let element = try generator.first() {
        if try areEqual(element, value) { return true }
      }
      return false
    case .undefined: return false
    default:
      for element in try elements(of: container) where try areEqual(element, value) {
        return true
      }
      return false
    }
  }

  /// Sorted as Python does: what is equal stays in its order.
  func sorted<Element>(
    _ elements: [Element], isReversed: Bool, by key: (Element) throws -> TemplateValue
  ) throws -> [Element] {
    let keyed = try elements.map { (key: try key($0), element: $0) }
    try charge(16 * keyed.count)
    // Swift's sort is stable.
    let order = try keyed.sorted {
      isReversed ? try precedes($1.key, $0.key) : try precedes($0.key, $1.key)
    }
    return order.map(\.element)
  }
}
