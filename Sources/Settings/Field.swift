/// The declaration of one key of a configuration: its name, where its value is stored, what it may
/// be, and the sentence that documents it. A key without a sentence cannot be declared.
public struct Field<Root: Configurable> {
  /// The name; of a key that chooses among variants, that of the choice.
  public let key: String
  let read: (inout SectionReader, inout Root) -> Void
  /// What must hold between the keys of a chosen variant.
  let check: (Root, inout SettingChecks) -> Void
  let write: (Root) -> [SettingNode.Entry]
  let describe: (Root) -> [KeyDescription]

  /// A key whose value is a scalar, a list, or a section of keys.
  ///
  /// The default is whatever `Root()` holds.
  ///
  /// - Parameters:
  ///   - key: The name, in snake case.
  ///   - path: The stored property.
  ///   - requirement: What a value must satisfy beyond its type.
  ///   - decidesResult: Whether the key takes part in deciding a run's parameters, bit for bit.
  ///     False for what only watches or stores a run. It holds for all keys below a section.
  ///   - documentation: One sentence or a few: the meaning, and the unit.
  public init<Value: SettingConvertible>(
    _ key: String, _ path: WritableKeyPath<Root, Value>, _ requirement: Requirement<Value>? = nil,
    decidesResult: Bool = true, meaning documentation: String
  ) {
    let expectation = requirement?.expectation ?? Value.expectation
    self.key = key
    read = { reader, root in
      guard let node = reader.take(key) else { return }
      let keyPath = reader.path.appending(key)
      var violations: [Violation] = []
      let read = Value.decode(
        node, over: root[keyPath: path], at: keyPath, reporting: &violations)
      // The type's own message knows nothing of the requirement.
      reader.violations += violations.map {
        $0.replacing(expectation: Value.expectation, at: keyPath, with: expectation)
      }
      guard let value = read else { return }
      if let requirement, !requirement.isSatisfied(value) {
        Value.reject(node, at: keyPath, expected: expectation, reporting: &reader.violations)
      } else {
        root[keyPath: path] = value
      }
    }
    check = { _, _ in }
    write = { root in [SettingNode.Entry(key, root[keyPath: path].settingNode)] }
    describe = { root in
      let value = root[keyPath: path]
      return [
        KeyDescription(
          key: key, expectation: expectation, documentation: documentation,
          defaultValue: value.settingNode, choices: Value.choices,
          makeEnds: { requirement?.ends ?? Value.ends }, decidesResult: decidesResult,
          shorthandKey: Value.shorthandKey, children: Value.describeKeys(of: value))
      ]
    }
  }

  /// A key whose value chooses among variants; the chosen variant's own keys stand beside it in the
  /// same section, and any other variant's keys are errors.
  ///
  /// - Parameters:
  ///   - selector: The key that names the variant: `name`.
  ///   - path: The stored enumeration.
  ///   - documentation: One sentence or a few.
  public init<Value: SettingVariants>(
    _ selector: String, choosing path: WritableKeyPath<Root, Value>,
    meaning documentation: String
  ) {
    key = selector
    read = { reader, root in
      let current = root[keyPath: path]
      let variant: Variant<Value>
      if let node = reader.take(selector) {
        guard let named = Value.variants.first(where: { $0.name == node.scalar }) else {
          reader.reject(
            selector, node,
            expected: ChoiceDescription.expectation(of: Value.choices, insteadOf: node))
          reader.chosen[selector] = .some(nil)
          return
        }
        variant = named
      } else {
        variant = current.variant
      }
      reader.chosen[selector] = variant.name
      root[keyPath: path] = variant.read(&reader, current)
    }
    check = { root, checks in
      let value = root[keyPath: path]
      value.variant.check(value, &checks)
    }
    write = { root in
      let value = root[keyPath: path]
      let name = SettingNode(.plain(value.variant.name))
      return [SettingNode.Entry(selector, name)] + value.variant.write(value)
    }
    describe = { root in
      let value = root[keyPath: path]
      let selection = KeyDescription(
        key: selector,
        expectation: ChoiceDescription.expectation(of: Value.variants.map(\.name)),
        documentation: documentation, defaultValue: SettingNode(.plain(value.variant.name)),
        choices: Value.choices, makeEnds: { .choices(Value.choices) }, decidesResult: true,
        shorthandKey: nil, children: [])
      let keys = Value.variants.flatMap { variant in
        variant.describe(value).map { description in
          var description = description
          description.condition = KeyDescription.Condition(
            selector: selector, choice: variant.name)
          return description
        }
      }
      return [selection] + keys
    }
  }

  /// A key of a value that this one is composed of: it stands among this one's own keys, not in a
  /// section.
  ///
  /// - Parameters:
  ///   - part: A key of the value.
  ///   - path: Where the value is stored.
  public init<Part: Configurable>(_ part: Field<Part>, of path: WritableKeyPath<Root, Part>) {
    key = part.key
    read = { reader, root in part.read(&reader, &root[keyPath: path]) }
    check = { root, checks in part.check(root[keyPath: path], &checks) }
    write = { root in part.write(root[keyPath: path]) }
    describe = { root in part.describe(root[keyPath: path]) }
  }
}

extension Violation {
  /// The violation with a fuller expectation, if it is one at `path` with the given expectation.
  fileprivate func replacing(
    expectation: String, at path: SettingPath, with fuller: String
  ) -> Violation {
    guard self.path == path, case .wrongValue(let found, expectation) = problem else { return self }
    return Violation(.wrongValue(found: found, expected: fuller), at: path, origin: origin)
  }
}
