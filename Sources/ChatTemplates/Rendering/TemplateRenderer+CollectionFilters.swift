extension TemplateRenderer {
  /// The filters of lists, mappings and texts.
  func collection(
    _ filter: TemplateFilter, _ value: TemplateValue, _ matched: [TemplateValue?]
  ) throws -> TemplateValue {
    switch filter {
    case .length: return .integer(try count(of: value))
    case .list: return try list(elements(of: value))
    case .first:
      if case .generator(let generator) = value {
        return try generator.first() ?? .undefined("the first of nothing")
      }
      return try elements(of: value).first ?? .undefined("the first of nothing")
    case .last, .reverse:
      switch value {
      case .text(let text) where filter == .reverse:
        return try self.text(String(text.unicodeScalars.reversed()))
      case .text, .sequence, .mapping:
        let elements = try elements(of: value)
        guard filter == .last else { return try generator(of: []) { elements.reversed() } }
        return elements.last ?? .undefined("the last of nothing")
      case .undefined:
        return try filter == .last
          ? .undefined("the last of nothing") : generator(of: []) { [] }
      case .generator where filter == .reverse: return try list(elements(of: value).reversed())
      default: throw evaluation("'\(filter.rawValue)' of \(value.typeName)")
      }
    case .items:
      return try generator(of: [value]) { [self] in
        switch value {
        case .undefined: return []
        case .mapping(let mapping):
          return try zip(mapping.keys, mapping.values).map { try list([$0, $1], .tuple) }
        default: throw evaluation("'items' of \(value.typeName)")
        }
      }
    case .dictsort: return try sortedMembers(value, matched)
    case .join:
      let separator = try matched[0].map { try text(of: $0) } ?? ""
      let key = try keys(of: matched[1])
      return .text(
        try joined(elements(of: value).map { try text(of: key($0)) }, separator: separator))
    case .sort: return try sortedElements(value, matched)
    case .unique: return try uniqueElements(value, matched)
    case .max, .min: return try extreme(filter, value, matched)
    default:
      let key = try keys(of: matched[0])
      return try elements(of: value).reduce(matched[1] ?? .integer(0)) {
        try arithmetic(.add, $0, key($1))
      }
    }
  }

  func count(of value: TemplateValue) throws -> Int {
    switch value {
    case .undefined: return 0
    case .text(let text):
      try charge(bytes: text.utf8.count)
      return text.unicodeScalars.count
    case .sequence(let sequence): return sequence.elements.count
    case .mapping(let mapping): return mapping.keys.count
    case .loop(let loop): return loop.items.count
    default: throw evaluation("'length' of \(value.typeName)")
    }
  }

  private func sortedMembers(
    _ value: TemplateValue, _ matched: [TemplateValue?]
  ) throws -> TemplateValue {
    guard case .mapping(let mapping) = value else {
      if case .undefined(let name) = value { throw undefined(name) }
      throw evaluation("'dictsort' of \(value.typeName)")
    }
    let by = try matched[1].map { try text(of: $0) } ?? "key"
    guard by == "key" || by == "value" else {
      throw evaluation("'dictsort' sorts by key or value, not by '\(by)'")
    }
    let members = try sorted(
      Array(zip(mapping.keys, mapping.values)), isReversed: matched[2]?.isTrue ?? false
    ) {
      let key = by == "key" ? $0.0 : $0.1
      return try matched[0]?.isTrue == true ? key : ignoringCase(key)
    }
    return try list(members.map { try list([$0.0, $0.1], .tuple) })
  }

  private func sortedElements(
    _ value: TemplateValue, _ matched: [TemplateValue?]
  ) throws -> TemplateValue {
    let attribute = matched[2]
    if case .text(let names)? = attribute {
      try charge(bytes: names.utf8.count)
      if names.utf8.contains(UInt8(ascii: ",")) {
        throw lacking("'sort' by several attributes")
      }
    }
    let key = try keys(of: attribute, ignoringCase: matched[1]?.isTrue != true)
    // In a list each, as Jinja has them: what is equal needs no order.
    return try list(
      sorted(elements(of: value), isReversed: matched[0]?.isTrue ?? false) {
        try list([key($0)])
      })
  }

  private func uniqueElements(
    _ value: TemplateValue, _ matched: [TemplateValue?]
  ) throws -> TemplateValue {
    let key = try keys(of: matched[1], ignoringCase: matched[0]?.isTrue != true)
    return try generator(of: [value]) { [self] in
      var seen: Set<TemplateKey> = []
      return try elements(of: value).filter {
        let found = try key($0)
        guard let hashed = try hashed(found) else {
          throw evaluation("'unique' of \(found.typeName)")
        }
        return seen.insert(hashed).inserted
      }
    }
  }

  /// The largest element, or the smallest.
  private func extreme(
    _ filter: TemplateFilter, _ value: TemplateValue, _ matched: [TemplateValue?]
  ) throws -> TemplateValue {
    let key = try keys(of: matched[1], ignoringCase: matched[0]?.isTrue != true)
    var best: (value: TemplateValue, key: TemplateValue)?
    for element in try elements(of: value) {
      let found = try key(element)
      guard let old = best else {
        best = (element, found)
        continue
      }
      let isBetter =
        try filter == .max ? precedes(old.key, found) : precedes(found, old.key)
      if isBetter { best = (element, found) }
    }
    return best?.value ?? .undefined("the '\(filter.rawValue)' of nothing")
  }

  private func ignoringCase(_ value: TemplateValue) throws -> TemplateValue {
    guard case .text(let text) = value else { return value }
    return try self.text(text.pythonLowercase)
  }

  /// What elements are compared or joined by: themselves, or an attribute such as "function.name".
  private func keys(
    of attribute: TemplateValue?, ignoringCase: Bool = false, standard: TemplateValue? = nil
  ) throws -> (TemplateValue) throws -> TemplateValue {
    var parts: [TemplateValue] = []
    switch attribute ?? .none {
    case .none: break
    case .text(let path):
      try charge(4 * path.utf8.count)
      parts = path.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false).map {
        let part = String($0)
        let isNumber = !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? Int(part).map(TemplateValue.integer) ?? .text(part) : .text(part)
      }
    case let other: parts = [.integer(try requireWhole(other, of: "an attribute"))]
    }
    return { [self] element in
      var value = element
      for part in parts {
        value = try item(part, of: value)
        if let standard, case .undefined = value { value = standard }
      }
      return ignoringCase ? try self.ignoringCase(value) : value
    }
  }

  // MARK: - Filters that apply others

  func mapped(_ value: TemplateValue, _ given: GivenArguments) throws -> [TemplateValue] {
    guard value.isTrue else { return [] }
    if given.values.isEmpty {
      let matched = try GivenArguments(named: given.named).matched(
        "the filter 'map'", ["attribute", "default"], required: 1, in: self)
      let standard = matched[1].flatMap { $0.isNone ? nil : $0 }
      let key = try keys(of: matched[0], standard: standard)
      return try elements(of: value).map(key)
    }
    let name = try requireText(given.values[0], of: "'map'")
    guard let filter = TemplateFilter(rawValue: name) ?? TemplateFilter.aliases[name],
      filter != .map, !filter.chooses
    else { throw lacking("the filter '\(name)' in 'map'") }
    let rest = GivenArguments(values: Array(given.values.dropFirst()), named: given.named)
    return try elements(of: value).map { try apply(filter, to: $0, rest) }
  }

  func chosen(
    _ filter: TemplateFilter, _ value: TemplateValue, _ given: GivenArguments
  ) throws -> [TemplateValue] {
    guard value.isTrue else { return [] }
    var rest = given
    var key: (TemplateValue) throws -> TemplateValue = { $0 }
    if filter == .selectattr || filter == .rejectattr {
      guard !rest.values.isEmpty else {
        throw evaluation("'\(filter.rawValue)' without an attribute")
      }
      key = try keys(of: rest.values.removeFirst())
    }
    var test: TemplateTest?
    if !rest.values.isEmpty {
      let name = try requireText(rest.values.removeFirst(), of: "'\(filter.rawValue)'")
      guard let known = TemplateTest(rawValue: name) ?? TemplateTest.aliases[name] else {
        throw lacking("the test '\(name)'")
      }
      test = known
    }
    let wants = filter == .select || filter == .selectattr
    return try elements(of: value).filter {
      let found = try key($0)
      return try (test?.holds(for: found, rest, in: self) ?? found.isTrue) == wants
    }
  }
}
