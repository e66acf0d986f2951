/// What an expression of a template gives: Python's values, as far as chat templates have them.
///
/// Templates can not change a value, but for the attributes of a namespace: everything else is copied
/// without being shared.
enum TemplateValue {
  /// Something that is not there; the name of what was looked for.
  case undefined(String)
  case none
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case sequence(TemplateSequence)
  /// What is gone through once.
  case generator(TemplateGenerator)
  case mapping(TemplateMapping)
  case namespace(TemplateNamespace)
  case loop(TemplateLoop)
  case macro(TemplateMacro)
  case function(TemplateFunction)
  indirect case method(TemplateMethod)

  /// What error messages call it.
  var typeName: String {
    switch self {
    case .undefined: "undefined"
    case .none: "none"
    case .boolean: "a truth value"
    case .integer: "a whole number"
    case .number: "a number"
    case .text: "a text"
    case .sequence(let sequence): sequence.kind.rawValue
    case .generator: "a sequence without a length"
    case .mapping: "a mapping"
    case .namespace: "a namespace"
    case .loop: "a loop"
    case .macro: "a macro"
    case .function, .method: "a function"
    }
  }

  /// How deep lists and mappings are nested; nil for what can not be put into one, since it could then
  /// contain itself.
  var depth: Int? {
    switch self {
    case .undefined, .none, .boolean, .integer, .number, .text: 0
    case .sequence(let sequence): sequence.depth
    case .mapping(let mapping): mapping.depth
    case .generator, .namespace, .loop, .macro, .function, .method: nil
    }
  }

  /// How many filters wait for each other until someone asks for an element.
  var waitingFilters: Int {
    if case .generator(let generator) = self { generator.waitingFilters } else { 0 }
  }

  /// What `if` takes it for.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let value): value
    case .integer(let value): value != 0
    case .number(let value): value != 0
    case .text(let text): !text.isEmpty
    case .sequence(let sequence): !sequence.elements.isEmpty
    case .mapping(let mapping): !mapping.keys.isEmpty
    case .loop(let loop): !loop.items.isEmpty
    case .generator, .namespace, .macro, .function, .method: true
    }
  }

  /// The number that Python computes with: truth values are 0 and 1.
  var whole: Int? {
    switch self {
    case .boolean(let value): value ? 1 : 0
    case .integer(let value): value
    default: nil
    }
  }

  var real: Double? {
    if case .number(let value) = self { return value }
    return whole.map(Double.init)
  }
}

/// Several values in order.
struct TemplateSequence {
  enum Kind: String {
    case list = "a list"
    case tuple = "a tuple"
    case range = "a range"
    /// What `keys()`, `values()` and `items()` give.
    case view = "a view of a mapping"
  }

  let kind: Kind
  let elements: [TemplateValue]
  /// One more than that of the deepest element.
  let depth: Int
}

/// Values that are gone through once, as filters such as `selectattr` give them. They are not there
/// before someone asks for the first.
final class TemplateGenerator {
  private var make: (() throws -> [TemplateValue])?
  /// Filters that asking for an element applies, this one included.
  let waitingFilters: Int
  private var elements: [TemplateValue] = []
  private var next = 0

  init(waitingFilters: Int, _ make: @escaping () throws -> [TemplateValue]) {
    (self.waitingFilters, self.make) = (waitingFilters, make)
  }

  private func begin() throws {
    guard let make else { return }
    self.make = nil
    elements = try make()
  }

  /// The next value; nil where there is none any more.
  func first() throws -> TemplateValue? {
    try begin()
    guard next < elements.count else { return nil }
    defer { next += 1 }
    return elements[next]
  }

  /// All that are left.
  func rest() throws -> ArraySlice<TemplateValue> {
    try begin()
    defer { next = elements.count }
    return elements[next...]
  }
}

/// Keys and their values, in the order in which the keys came.
struct TemplateMapping {
  private(set) var keys: [TemplateValue] = []
  private(set) var values: [TemplateValue] = []
  private var places: [TemplateKey: Int] = [:]
  /// One more than that of the deepest value.
  private(set) var depth = 1

  subscript(key: TemplateKey) -> TemplateValue? { places[key].map { values[$0] } }

  subscript(text: String) -> TemplateValue? { self[.text(Array(text.utf8))] }

  /// - Parameter depth: Of the value.
  mutating func set(
    _ key: TemplateValue, _ hashed: TemplateKey, to value: TemplateValue, depth: Int
  ) {
    self.depth = max(self.depth, depth + 1)
    if let place = places[hashed] {
      values[place] = value
    } else {
      places[hashed] = keys.count
      keys.append(key)
      values.append(value)
    }
  }
}

/// A key of a mapping: what Python takes for equal is equal. Texts are equal byte by byte, which
/// Swift's are not.
enum TemplateKey: Hashable {
  /// All that is not there is one key.
  case undefined
  case none
  case integer(Int)
  case number(Double)
  case text([UInt8])
  case tuple([TemplateKey])
}

extension TemplateRenderer {
  /// The key that a value is, which costs as much as it is long.
  ///
  /// - Returns: nil for what can be no key.
  func hashed(_ value: TemplateValue) throws -> TemplateKey? {
    try charge(1)
    switch value {
    case .undefined: return .undefined
    case .none: return TemplateKey.none
    case .boolean, .integer: return .integer(value.whole ?? 0)
    case .number(let number):
      return Int(exactly: number).map(TemplateKey.integer) ?? .number(number)
    case .text(let text):
      // A copy, of which no one else has a part.
      try charge(bytes: text.utf8.count)
      return .text(Array(text.utf8))
    case .sequence(let sequence) where sequence.kind == .tuple:
      var keys: [TemplateKey] = []
      for element in sequence.elements {
        guard let key = try hashed(element) else { return nil }
        keys.append(key)
      }
      return .tuple(keys)
    default: return nil
    }
  }
}

/// `namespace()`: attributes that a loop's body can set for what comes behind the loop.
final class TemplateNamespace {
  var attributes: [(name: String, value: TemplateValue)] = []

  subscript(name: String) -> TemplateValue? {
    get { attributes.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }
    set {
      guard let newValue else { return }
      if let place = attributes.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        attributes[place].value = newValue
      } else {
        attributes.append((name, newValue))
      }
    }
  }
}

/// `loop` in the body of a loop.
final class TemplateLoop {
  let items: [TemplateValue]
  /// Loops around this one, and this one.
  let depth: Int
  var index = 0
  /// What `changed` was last asked about.
  var lastChanged: [TemplateValue]?

  init(_ items: [TemplateValue], depth: Int) { (self.items, self.depth) = (items, depth) }
}

/// A macro, and the names that it sees.
final class TemplateMacro {
  let definition: TemplateMacroDefinition
  let scope: TemplateScope

  init(_ definition: TemplateMacroDefinition, scope: TemplateScope) {
    (self.definition, self.scope) = (definition, scope)
  }
}

/// Names and their values: of the template, of one round of a loop, of a macro's call.
final class TemplateScope {
  private var values: [String: TemplateValue] = [:]
  private let around: TemplateScope?

  init(in around: TemplateScope?) { self.around = around }

  subscript(name: String) -> TemplateValue? {
    get { values[name] ?? around?[name] }
    set { values[name] = newValue }
  }

  /// A macro holds the scope that holds it.
  func clear() { values.removeAll() }
}
