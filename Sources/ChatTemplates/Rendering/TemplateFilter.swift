/// A filter, `value | name(…)`.
enum TemplateFilter: String, CaseIterable {
  case abs, capitalize, `default`, dictsort, first, float, indent, int, items, join, last, length,
    list
  case lower, map, max, min, reject, rejectattr, replace, reverse, round, safe, select, selectattr
  case sort, string, sum, title, tojson, trim, unique, upper

  static let aliases: [String: TemplateFilter] = ["d": .default, "count": .length]

  /// Whether it lets some elements through, by a test.
  var chooses: Bool {
    [.select, .reject, .selectattr, .rejectattr].contains(self)
  }

  var parameters: [String] {
    switch self {
    case .default: ["default_value", "boolean"]
    case .dictsort: ["case_sensitive", "by", "reverse"]
    case .float: ["default"]
    case .indent: ["width", "first", "blank"]
    case .int: ["default", "base"]
    case .join: ["d", "attribute"]
    case .max, .min, .unique: ["case_sensitive", "attribute"]
    case .replace: ["old", "new", "count"]
    case .round: ["precision", "method"]
    case .sort: ["reverse", "case_sensitive", "attribute"]
    case .sum: ["attribute", "start"]
    case .tojson: ["ensure_ascii", "indent", "separators", "sort_keys"]
    case .trim: ["chars"]
    default: []
    }
  }
}

extension TemplateRenderer {
  func apply(
    _ filter: TemplateFilter, to value: TemplateValue, _ given: GivenArguments
  ) throws -> TemplateValue {
    let sources = [value] + given.values + given.named.map(\.value)
    switch filter {
    case .map: return try generator(of: sources) { [self] in try mapped(value, given) }
    case .select, .reject, .selectattr, .rejectattr:
      return try generator(of: sources) { [self] in try chosen(filter, value, given) }
    default: break
    }
    let matched = try given.matched(
      "the filter '\(filter.rawValue)'", filter.parameters,
      required: filter == .replace ? 2 : 0, in: self)
    switch filter {
    case .default:
      let isMissing: Bool =
        if case .undefined = value { true } else { matched[1]?.isTrue == true && !value.isTrue }
      return isMissing ? matched[0] ?? .text("") : value
    case .abs, .float, .int, .round: return try number(filter, value, matched)
    case .safe, .string: return .text(try text(of: value))
    case .capitalize: return try text(text(of: value).pythonCapitalized)
    case .lower: return try text(text(of: value).pythonLowercase)
    case .upper: return try text(text(of: value).pythonUppercase)
    case .title: return try text(title(text(of: value)))
    case .trim:
      let characters = try matched[0].flatMap {
        $0.isNone ? nil : try requireText($0, of: "'trim'")
      }
      try charge(bytes: characters?.utf8.count ?? 0)
      let text = try text(of: value)
      return try self.text(text.stripped(characters))
    case .replace:
      let count = try matched[2].flatMap { $0.isNone ? nil : try requireWhole($0, of: "'replace'") }
      return try text(
        replace(
          text(of: matched[0] ?? .none), by: text(of: matched[1] ?? .none), in: text(of: value),
          most: count.flatMap { $0 < 0 ? nil : $0 }))
    case .indent: return try indented(value, matched)
    case .tojson: return try json(value, matched)
    default: return try collection(filter, value, matched)
    }
  }

  /// The first letter of each word large, as Jinja's filter has it.
  private func title(_ text: String) -> String {
    var (result, word) = ("", String.UnicodeScalarView())
    func finished() -> String {
      guard let first = word.first else { return "" }
      return String(first).pythonUppercase + String(word.dropFirst()).pythonLowercase
    }
    for scalar in text.unicodeScalars {
      let separates = scalar.isPythonSpace || ["-", "(", "{", "[", "<"].contains(scalar)
      if separates {
        result += finished()
        result.unicodeScalars.append(scalar)
        word = String.UnicodeScalarView()
      } else {
        word.append(scalar)
      }
    }
    return result + finished()
  }

  private func indented(_ value: TemplateValue, _ matched: [TemplateValue?]) throws -> TemplateValue
  {
    let text = try requireText(value, of: "'indent'")
    let indentation: String
    switch matched[0] ?? .integer(4) {
    case .text(let text): indentation = text
    case let width:
      let width = max(0, try requireWhole(width, of: "'indent'"))
      try charge(bytes: width)
      indentation = String(repeating: " ", count: width)
    }
    let (first, blank) = (matched[1]?.isTrue ?? false, matched[2]?.isTrue ?? false)
    let lines = try lines(of: text + "\n")
    try charge(bytes: lines.count * indentation.utf8.count)
    var result = lines.first ?? ""
    for line in lines.dropFirst() {
      result += "\n" + (line.isEmpty && !blank ? "" : indentation) + line
    }
    return try self.text((first ? indentation : "") + result)
  }

  private func json(_ value: TemplateValue, _ matched: [TemplateValue?]) throws -> TemplateValue {
    var json = PythonJSON()
    json.escapesAll = matched[0]?.isTrue ?? false
    switch matched[1] ?? .none {
    case .none: break
    case .text(let text): json.indentation = text
    case let width:
      let width = max(0, try requireWhole(width, of: "'tojson'"))
      try charge(bytes: width)
      json.indentation = String(repeating: " ", count: width)
    }
    if let separators = matched[2], !separators.isNone {
      let parts = try elements(of: separators)
      guard parts.count == 2 else { throw evaluation("'tojson' with separators that are no two") }
      json.separators = (
        try requireText(parts[0], of: "'tojson'"), try requireText(parts[1], of: "'tojson'")
      )
    }
    json.sortsKeys = matched[3]?.isTrue ?? false
    return .text(try json.text(of: value, in: self))
  }
}
