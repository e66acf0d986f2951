/// A method of a value: `text.strip`, `mapping.items`.
struct TemplateMethod {
  let receiver: TemplateValue
  let name: String

  init(receiver: TemplateValue, name: String) { (self.receiver, self.name) = (receiver, name) }

  /// - Returns: nil where such a value has no such attribute in Python.
  init?(_ name: String, of value: TemplateValue) {
    let names: Set<String>
    switch value {
    case .text: names = Self.ofTexts.union(Self.otherOfTexts)
    case .mapping: names = Self.ofMappings.union(Self.otherOfMappings)
    case .sequence(let sequence):
      switch sequence.kind {
      case .list: names = Self.ofLists.union(Self.otherOfLists)
      case .tuple: names = Self.ofLists
      case .range: names = Self.ofLists.union(["start", "stop", "step"])
      case .view: names = ["isdisjoint", "mapping"]
      }
    case .boolean, .integer, .number: names = Self.otherOfNumbers
    default: names = []
    }
    guard names.contains(name) else { return nil }
    self.init(receiver: value, name: name)
  }

  /// Whether there is any value with a method of this name that can be called here.
  static func isKnown(_ name: String) -> Bool {
    ofTexts.contains(name) || ofMappings.contains(name) || ofLists.contains(name)
      || ["cycle", "changed"].contains(name)
  }

  private static let ofTexts: Set<String> = [
    "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith",
    "replace", "upper", "lower", "title", "capitalize", "join", "find", "rfind", "count",
    "removeprefix", "removesuffix", "partition", "rpartition", "isdigit", "isspace", "isupper",
    "islower",
  ]
  private static let ofMappings: Set<String> = ["items", "keys", "values", "get", "copy"]
  private static let ofLists: Set<String> = ["index", "count"]
  /// What Python has beyond these.
  private static let otherOfTexts: Set<String> = [
    "casefold", "center", "encode", "expandtabs", "format", "format_map", "index", "isalnum",
    "isalpha", "isascii", "isdecimal", "isidentifier", "isnumeric", "isprintable", "istitle",
    "ljust", "maketrans", "rindex", "rjust", "swapcase", "translate", "zfill",
  ]
  private static let otherOfMappings: Set<String> = [
    "clear", "fromkeys", "pop", "popitem", "setdefault", "update",
  ]
  private static let otherOfLists: Set<String> = [
    "append", "clear", "copy", "extend", "insert", "pop", "remove", "reverse", "sort",
  ]
  private static let otherOfNumbers: Set<String> = [
    "real", "imag", "numerator", "denominator", "conjugate", "bit_length", "bit_count", "to_bytes",
    "from_bytes", "as_integer_ratio", "is_integer", "hex", "fromhex",
  ]

  func call(_ given: GivenArguments, in renderer: TemplateRenderer) throws -> TemplateValue {
    switch receiver {
    case .loop(let loop): return try loop.call(name, given, in: renderer)
    case .text(let text) where Self.ofTexts.contains(name):
      try renderer.charge(bytes: text.utf8.count)
      return try call(on: text, given, renderer)
    case .mapping(let mapping) where Self.ofMappings.contains(name):
      return try call(on: mapping, given, renderer)
    case .sequence(let sequence) where Self.ofLists.contains(name):
      let wanted = try match(given, ["value"], required: 1, renderer)[0] ?? .none
      var count = 0
      for (index, element) in sequence.elements.enumerated()
      where try renderer.areEqual(element, wanted) {
        if name == "index" { return .integer(index) }
        count += 1
      }
      if name == "index" { throw renderer.evaluation("index of what is not in a list") }
      return .integer(count)
    default: throw renderer.lacking("the method '\(name)' of \(receiver.typeName)")
    }
  }

  private func match(
    _ given: GivenArguments, _ parameters: [String], required: Int = 0,
    _ renderer: TemplateRenderer
  ) throws -> [TemplateValue?] {
    try given.matched("'\(name)'", parameters, required: required, in: renderer)
  }

  private func call(
    on mapping: TemplateMapping, _ given: GivenArguments, _ renderer: TemplateRenderer
  ) throws -> TemplateValue {
    if name == "get" {
      let matched = try match(given, ["key", "default"], required: 1, renderer)
      guard let key = try renderer.hashed(matched[0] ?? .none) else {
        throw renderer.evaluation("'get' of a key that can be none")
      }
      return mapping[key] ?? matched[1] ?? .none
    }
    _ = try match(given, [], renderer)
    try renderer.charge(mapping.keys.count)
    switch name {
    case "keys": return try renderer.list(mapping.keys, .view)
    case "values": return try renderer.list(mapping.values, .view)
    case "copy": return .mapping(mapping)
    default:
      let pairs = try zip(mapping.keys, mapping.values).map { try renderer.list([$0, $1], .tuple) }
      return try renderer.list(pairs, .view)
    }
  }
}
