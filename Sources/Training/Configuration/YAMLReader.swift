import CYaml
import LockstepSettings

/// Turns YAML into a tree of settings with the lines of everything, and gathers what is wrong.
///
/// The tree is made from libyaml's events, in one pass: keys may occur twice, which the sections
/// report, and lines are counted as libyaml does, which ends them at CR, LF, CR LF, NEL (U+0085), LS
/// (U+2028) and PS (U+2029). What a short text can make large has bounds: how deep it is nested, and how
/// many values it has, those of aliases counted each time that they are used.
package struct YAMLReader {
  /// What messages call the text: a file's path, or an option as it was typed.
  let source: String
  /// False for a text of one line, whose line numbers would say nothing.
  let hasLines: Bool

  /// Sections and lists may be nested this deep.
  package static let deepest = 64
  /// The most values and keys of a text.
  package static let mostValues = 50_000

  package init(source: String, hasLines: Bool = true) {
    self.source = source
    self.hasLines = hasLines
  }

  /// The text's tree; nil if it is no YAML. An empty text is a null node.
  package func read(_ text: String, reporting violations: inout [Violation]) -> SettingNode? {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(YAMLComposer.Failure) in
        try YAMLComposer(bytes, reader: self).document()
      }
    }
    switch result {
    case .success(let node):
      return node
    case .failure(let failure):
      violations.append(
        Violation(.syntax(failure.problem), at: .root, origin: origin(line: failure.line)))
      return nil
    }
  }

  /// - Parameter line: From 1; nil: the text as a whole.
  func origin(line: Int?) -> SettingOrigin {
    SettingOrigin(source: source, line: hasLines ? line : nil)
  }
}

/// Composes the tree of one document from libyaml's events.
private final class YAMLComposer {
  struct Failure: Error {
    let problem: String
    /// From 1; nil: the text as a whole.
    let line: Int?
  }

  /// What an anchor names, for the aliases after it.
  private struct Anchored {
    let node: SettingNode
    /// Values and keys in it, itself included.
    let count: Int
    /// Levels of sections and lists; 0 for a scalar.
    let depth: Int
  }

  private let reader: YAMLReader
  private var parser = yaml_parser_t()
  private var event = yaml_event_t()
  private var anchors: [String: Anchored] = [:]
  private var valueCount = 0

  /// - Parameter bytes: UTF-8; must outlive this object.
  init(_ bytes: UnsafeBufferPointer<UInt8>, reader: YAMLReader) {
    self.reader = reader
    yaml_parser_initialize(&parser)
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_event_delete(&event)
    yaml_parser_delete(&parser)
  }

  /// The only document; a null node where there is none.
  func document() throws(Failure) -> SettingNode {
    try advance()  // The stream begins.
    try advance()
    guard event.type != YAML_STREAM_END_EVENT else {
      return SettingNode(.null, origin: reader.origin(line: nil))
    }
    try advance()
    let (node, _) = try value(at: 0)
    try advance()  // The document ends.
    try advance()
    guard event.type == YAML_STREAM_END_EVENT else {
      throw failure("expected a single document in the stream, but found another document")
    }
    return node
  }

  /// Goes on to the next event.
  private func advance() throws(Failure) {
    yaml_event_delete(&event)
    guard yaml_parser_parse(&parser, &event) == 1 else { throw parserFailure() }
  }

  // MARK: Values

  private var line: Int { Int(event.start_mark.line) + 1 }

  /// The value that the current event is or begins; its last event is the current one afterwards.
  ///
  /// - Parameter depth: Sections and lists around it.
  /// - Returns: The value, and its levels of sections and lists.
  private func value(at depth: Int) throws(Failure) -> (node: SettingNode, depth: Int) {
    let origin = reader.origin(line: line)
    switch event.type {
    case YAML_ALIAS_EVENT:
      let name = text(event.data.alias.anchor) ?? ""
      guard let anchored = anchors[name] else { throw failure("found undefined alias") }
      try count(anchored.count)
      try requireDepth(depth + anchored.depth)
      return (anchored.node, anchored.depth)
    case YAML_SEQUENCE_START_EVENT:
      return try anchored(by: text(event.data.sequence_start.anchor)) { () throws(Failure) in
        let (nodes, levels) = try elements(at: depth + 1)
        return (SettingNode(.list(nodes), origin: origin), levels + 1)
      }
    case YAML_MAPPING_START_EVENT:
      return try anchored(by: text(event.data.mapping_start.anchor)) { () throws(Failure) in
        let (entries, levels) = try entries(at: depth + 1)
        return (SettingNode(.map(entries), origin: origin), levels + 1)
      }
    default:
      return try anchored(by: text(event.data.scalar.anchor)) { () throws(Failure) in
        (SettingNode(scalar(), origin: origin), 0)
      }
    }
  }

  /// Counts a value and remembers it by its anchor's name, once it is complete.
  private func anchored(
    by name: String?, _ make: () throws(Failure) -> (node: SettingNode, depth: Int)
  ) throws(Failure) -> (node: SettingNode, depth: Int) {
    let before = valueCount
    try count(1)
    let made = try make()
    if let name {
      anchors[name] = Anchored(node: made.node, count: valueCount - before, depth: made.depth)
    }
    return made
  }

  private func elements(at depth: Int) throws(Failure) -> (nodes: [SettingNode], depth: Int) {
    try requireDepth(depth)
    var (nodes, levels): ([SettingNode], Int) = ([], 0)
    try advance()
    while event.type != YAML_SEQUENCE_END_EVENT {
      let element = try value(at: depth)
      nodes.append(element.node)
      levels = max(levels, element.depth)
      try advance()
    }
    return (nodes, levels)
  }

  private func entries(at depth: Int) throws(Failure) -> (entries: [SettingNode.Entry], depth: Int)
  {
    try requireDepth(depth)
    var (entries, levels): ([SettingNode.Entry], Int) = ([], 0)
    try advance()
    while event.type != YAML_MAPPING_END_EVENT {
      let origin = reader.origin(line: line)
      let written = event.type == YAML_SCALAR_EVENT ? characters : nil
      let key = try value(at: depth).node
      try advance()
      let element = try value(at: depth)
      entries.append(
        SettingNode.Entry(written ?? key.scalar ?? key.summary, element.node, origin: origin))
      levels = max(levels, element.depth)
      try advance()
    }
    return (entries, levels)
  }

  /// Those of the current event, which is a scalar's.
  private var characters: String {
    let scalar = event.data.scalar
    return String(
      decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
  }

  /// The current event's scalar.
  private func scalar() -> SettingNode.Content {
    let (characters, scalar) = (characters, event.data.scalar)
    guard scalar.style == YAML_PLAIN_SCALAR_STYLE || scalar.style == YAML_ANY_SCALAR_STYLE else {
      return .text(characters)
    }
    switch characters {
    case "", "~", "null", "Null", "NULL": return .null
    default: return .plain(characters)
    }
  }

  private func text(_ characters: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    characters.map { String(cString: $0) }
  }

  // MARK: Bounds

  private func count(_ values: Int) throws(Failure) {
    valueCount += values
    guard valueCount <= YAMLReader.mostValues else {
      throw Failure(
        problem:
          "more than \(YAMLReader.mostValues) values, the most that a configuration may have; "
          + "those of an alias are counted each time that it is used", line: line)
    }
  }

  private func requireDepth(_ depth: Int) throws(Failure) {
    guard depth <= YAMLReader.deepest else {
      throw Failure(
        problem:
          "nested deeper than \(YAMLReader.deepest) levels, the most that a configuration may "
          + "have", line: line)
    }
  }

  // MARK: Errors

  /// What is wrong at the current event.
  private func failure(_ problem: String) -> Failure {
    Failure(
      problem: "not YAML: " + problem + place(of: event.start_mark),
      line: line)
  }

  /// What libyaml says.
  private func parserFailure() -> Failure {
    let problem = parser.problem.map { String(cString: $0) } ?? "it can not be parsed"
    guard parser.error != YAML_READER_ERROR, parser.error != YAML_MEMORY_ERROR else {
      return Failure(problem: "not YAML: \(problem); is this a text file?", line: nil)
    }
    let context = parser.context.map { String(cString: $0) }
    return Failure(
      problem: "not YAML: " + [context, problem].compactMap(\.self).joined(separator: ", ")
        + place(of: parser.problem_mark),
      line: Int(parser.problem_mark.line) + 1)
  }

  private func place(of mark: yaml_mark_t) -> String {
    reader.hasLines ? " (column \(mark.column + 1))" : ""
  }
}
