/// A function that every template has.
enum TemplateFunction: String, CaseIterable {
  case raiseException = "raise_exception"
  case strftimeNow = "strftime_now"
  case range
  case dict
  case namespace

  private static let longestRange = 100_000

  func call(_ given: GivenArguments, in renderer: TemplateRenderer) throws -> TemplateValue {
    switch self {
    case .raiseException:
      let message = try given.matched(rawValue, ["message"], required: 1, in: renderer)[0]
      throw renderer.refused(try message.map { try renderer.text(of: $0) } ?? "")
    case .strftimeNow:
      let format = try given.matched(rawValue, ["format"], required: 1, in: renderer)[0]
      guard let date = renderer.date else {
        throw renderer.evaluation(
          "the template asks for today's date, and the result would differ from day to day; give one "
            + "with --date YYYY-MM-DD")
      }
      let text = try renderer.requireText(format ?? .none, of: rawValue)
      try renderer.charge(bytes: text.utf8.count)
      return try renderer.text(date.text(format: text, in: renderer))
    case .range: return try range(given, renderer)
    case .dict:
      var mapping = TemplateMapping()
      try add(given, renderer) {
        try renderer.set(.text($0), of: &mapping, to: $1)
      } other: {
        try renderer.set($0, of: &mapping, to: $1)
      }
      return .mapping(mapping)
    case .namespace:
      let namespace = TemplateNamespace()
      try add(given, renderer) { name, value in
        guard name.utf8.first != UInt8(ascii: "_") else {
          throw renderer.lacking("the attribute '\(name)' of a namespace")
        }
        guard value.depth != nil else { throw renderer.lacking("\(value.typeName) in a namespace") }
        try renderer.charge(bytes: name.utf8.count)
        try renderer.chargeSearch(for: name, in: namespace)
        namespace[name] = value
      } other: { key, _ in
        throw renderer.evaluation("\(key.typeName) as the name of an attribute")
      }
      return .namespace(namespace)
    }
  }

  /// The members of a mapping that is given, and the named arguments.
  private func add(
    _ given: GivenArguments, _ renderer: TemplateRenderer,
    _ body: (String, TemplateValue) throws -> Void,
    other: (TemplateValue, TemplateValue) throws -> Void
  ) throws {
    guard given.values.count <= 1 else {
      throw renderer.evaluation("\(rawValue) takes one value, not \(given.values.count)")
    }
    func add(_ key: TemplateValue, _ value: TemplateValue) throws {
      if case .text(let name) = key { try body(name, value) } else { try other(key, value) }
    }
    if let first = given.values.first {
      if case .mapping(let mapping) = first {
        for (key, value) in zip(mapping.keys, mapping.values) { try add(key, value) }
      } else {
        if case .undefined(let name) = first { throw renderer.undefined(name) }
        for pair in try renderer.elements(of: first) {
          let parts = try renderer.elements(of: pair)
          guard parts.count == 2 else {
            throw renderer.evaluation("\(rawValue) of \(parts.count) values where two are a pair")
          }
          try add(parts[0], parts[1])
        }
      }
    }
    for (name, value) in given.named { try body(name, value) }
  }

  private func range(_ given: GivenArguments, _ renderer: TemplateRenderer) throws -> TemplateValue
  {
    guard given.named.isEmpty, 1...3 ~= given.values.count else {
      throw renderer.evaluation("range takes one to three whole numbers")
    }
    let numbers = try given.values.map { try renderer.requireWhole($0, of: "range") }
    let (start, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
    let step = numbers.count == 3 ? numbers[2] : 1
    guard step != 0 else { throw renderer.evaluation("range with a step of 0") }
    let distance = Double(end) - Double(start)
    let count = max(0, (distance / Double(step)).rounded(.up))
    guard count <= Double(Self.longestRange) else {
      throw renderer.evaluation("range of more than \(Self.longestRange) numbers")
    }
    return try renderer.list(
      (0..<Int(count)).map { .integer(start &+ $0 &* step) }, .range)
  }
}

extension TemplateLoop {
  /// `loop.name`.
  func attribute(_ name: String, in renderer: TemplateRenderer) throws -> TemplateValue {
    switch name {
    case "index": .integer(index + 1)
    case "index0": .integer(index)
    case "revindex": .integer(items.count - index)
    case "revindex0": .integer(items.count - index - 1)
    case "first": .boolean(index == 0)
    case "last": .boolean(index == items.count - 1)
    case "length": .integer(items.count)
    case "depth": .integer(depth)
    case "depth0": .integer(depth - 1)
    case "previtem": index > 0 ? items[index - 1] : .undefined("an item before the first")
    case "nextitem":
      index + 1 < items.count ? items[index + 1] : .undefined("an item behind the last")
    case "cycle", "changed":
      .method(TemplateMethod(receiver: .loop(self), name: name))
    default: .undefined("'\(name)' of a loop")
    }
  }

  func call(
    _ name: String, _ given: GivenArguments, in renderer: TemplateRenderer
  ) throws -> TemplateValue {
    guard given.named.isEmpty else { throw renderer.evaluation("loop.\(name) with a named value") }
    if name == "cycle" {
      guard !given.values.isEmpty else { throw renderer.evaluation("loop.cycle of nothing") }
      return given.values[index % given.values.count]
    }
    let last = lastChanged
    lastChanged = given.values
    guard let last, last.count == given.values.count else { return .boolean(true) }
    for (old, new) in zip(last, given.values) where try !renderer.areEqual(old, new) {
      return .boolean(true)
    }
    return .boolean(false)
  }
}
