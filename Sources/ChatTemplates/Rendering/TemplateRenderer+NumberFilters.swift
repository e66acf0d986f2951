import Foundation

extension TemplateRenderer {
  /// The filters that give numbers.
  func number(
    _ filter: TemplateFilter, _ value: TemplateValue, _ matched: [TemplateValue?]
  ) throws -> TemplateValue {
    if filter != .float, case .undefined(let name) = value { throw undefined(name) }
    // Reading a number goes through the text and makes parts of it.
    if case .text(let text) = value { try charge(4 * text.utf8.count) }
    switch filter {
    case .abs:
      if let whole = value.whole, whole != Int.min { return .integer(whole.magnitudeAsInt) }
      guard let real = value.real else { throw evaluation("'abs' of \(value.typeName)") }
      return .number(real.magnitude)
    case .float:
      if case .undefined(let name) = value { throw undefined(name) }
      if let real = value.real { return .number(real) }
      if case .text(let text) = value, let real = try pythonNumber(text) { return .number(real) }
      return matched[0] ?? .number(0)
    case .int:
      if let base = matched[1], base.whole != 10 { throw lacking("'int' with a base") }
      if let whole = value.whole { return .integer(whole) }
      if case .text(let text) = value {
        if let whole = try pythonWhole(text) { return .integer(whole) }
        if let real = try pythonNumber(text) { return try whole(real, otherwise: matched[0]) }
      } else if let real = value.real {
        return try whole(real, otherwise: matched[0])
      }
      return matched[0] ?? .integer(0)
    default: return try rounded(value, matched)
    }
  }

  private func whole(_ real: Double, otherwise standard: TemplateValue?) throws -> TemplateValue {
    guard real.isFinite else {
      // `int(inf)` is an error that the filter does not catch in its first attempt.
      if real.isNaN { return standard ?? .integer(0) }
      throw evaluation("'int' of an infinite number")
    }
    guard let whole = Int(exactly: real.rounded(.towardZero)) else {
      throw lacking("whole numbers of more than 64 bits")
    }
    return .integer(whole)
  }

  private static let plainDigits = Set("0123456789".unicodeScalars)

  /// Digits as Python's numbers may have them: single underscores between them.
  private func digits(_ text: Substring.UnicodeScalarView) -> String? {
    var digits = String.UnicodeScalarView()
    var mayUnderscore = false
    for scalar in text {
      if Self.plainDigits.contains(scalar) {
        digits.append(scalar)
        mayUnderscore = true
      } else if scalar == "_", mayUnderscore {
        mayUnderscore = false
      } else {
        return nil
      }
    }
    return mayUnderscore ? String(digits) : nil
  }

  /// `int(text)`; nil where Python refuses it.
  private func pythonWhole(_ text: String) throws -> Int? {
    var rest = Substring(text.stripped()).unicodeScalars
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    try requirePlainDigits(rest)
    guard let digits = digits(rest) else { return nil }
    guard let value = Int((isNegative ? "-" : "") + digits) else {
      throw lacking("whole numbers of more than 64 bits")
    }
    return value
  }

  /// Python reads the digits of all scripts.
  private func requirePlainDigits(_ text: Substring.UnicodeScalarView) throws {
    for scalar in text where !scalar.isASCII && scalar.properties.numericType == .decimal {
      throw lacking("digits such as '\(scalar)' in a number")
    }
  }

  /// `float(text)`; nil where Python refuses it.
  private func pythonNumber(_ text: String) throws -> Double? {
    let rest = text.stripped()
    try requirePlainDigits(Substring(rest).unicodeScalars)
    guard !rest.isEmpty, rest.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    let word = rest.lowercased()
    let isNegative = word.hasPrefix("-")
    let bare = isNegative || word.hasPrefix("+") ? String(word.dropFirst()) : word
    if ["inf", "infinity"].contains(bare) { return isNegative ? -Double.infinity : .infinity }
    if bare == "nan" { return .nan }
    var (mantissa, exponent) = (Substring(bare), Substring("0"))
    if let mark = bare.firstIndex(of: "e") {
      (mantissa, exponent) = (bare[..<mark], bare[bare.index(after: mark)...])
      if exponent.hasPrefix("+") || exponent.hasPrefix("-") {
        guard digits(exponent.dropFirst().unicodeScalars) != nil else { return nil }
      } else if digits(exponent.unicodeScalars) == nil {
        return nil
      }
    }
    let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }),
      parts.allSatisfy({ $0.isEmpty || digits($0.unicodeScalars) != nil })
    else { return nil }
    let plain = bare.filter { $0 != "_" }
    // "1." and ".5" are numbers to Python and to C.
    let number = strtod(plain, nil)
    return isNegative ? -number : number
  }

  private func rounded(_ value: TemplateValue, _ matched: [TemplateValue?]) throws -> TemplateValue
  {
    let precision = try matched[0].map { try requireWhole($0, of: "'round'") } ?? 0
    let method = try matched[1].map { try requireText($0, of: "'round'") } ?? "common"
    guard let real = value.real else { throw evaluation("'round' of \(value.typeName)") }
    guard precision == 0 else { throw lacking("'round' to digits behind the point") }
    switch method {
    case "common":
      if let whole = value.whole { return .integer(whole) }
      return .number(real.rounded(.toNearestOrEven))
    case "ceil", "floor":
      guard real.isFinite else { throw evaluation("'round' of an infinite number") }
      return .number(real.rounded(method == "ceil" ? .up : .down))
    default: throw evaluation("'round' takes common, ceil or floor, not '\(method)'")
    }
  }
}

extension Int {
  fileprivate var magnitudeAsInt: Int { self < 0 ? -self : self }
}
