/// What was found, by class: counts, and no values.
public struct RedactionReport: Sendable, Encodable, CustomStringConvertible {
  /// What the input is called.
  public let input: String
  public let format: RedactionFormat
  public let bytesRead: Int
  public let bytesWritten: Int
  /// Whether findings became pseudonyms.
  public let pseudonyms: Bool
  /// How many findings of each class that was looked for.
  public let found: [String: Int]
  private let order: [String]

  package init(
    input: String, format: RedactionFormat, classes: Set<RedactionClass>, pseudonyms: Bool,
    stream: RedactionStream
  ) {
    self.input = input
    self.format = format
    bytesRead = stream.bytesRead
    bytesWritten = stream.bytesWritten
    self.pseudonyms = pseudonyms
    order = RedactionClass.allCases.filter(classes.contains).map(\.rawValue)
    found = Dictionary(
      uniqueKeysWithValues: classes.map { ($0.rawValue, stream.counts[$0]) })
  }

  private enum CodingKeys: String, CodingKey {
    case input, format, bytesRead, bytesWritten, pseudonyms, found
  }

  public var description: String {
    let width = order.map(\.count).max() ?? 0
    let lines = order.map { name in
      "  \(name)\(String(repeating: " ", count: width - name.count))  \(found[name] ?? 0)"
    }
    let total = found.values.reduce(0, +)
    return "\(input): \(total) found in \(bytesRead) bytes of \(format.rawValue)\n"
      + lines.joined(separator: "\n")
  }
}
