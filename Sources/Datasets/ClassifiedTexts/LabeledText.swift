import LockstepFiles

/// A text and the name of its class, as a file has them.
public struct LabeledText: Sendable, Equatable {
  public let text: String
  public let label: String
  /// From 1: of a row with line breaks in it the first.
  public let line: Int

  /// Reads a file: a table with a header line, or, where its name ends in `.jsonl`, JSON Lines.
  ///
  /// - Parameters:
  ///   - bytes: Of the file, uncompressed.
  ///   - path: Says the format, and is named in errors; `.gz` at its end does not matter.
  ///   - text: The column or member of the text.
  ///   - target: That of the class.
  /// - Throws: `SampleDataError`.
  public static func read(
    _ bytes: [UInt8], path: String, text: String, target: String
  ) throws(SampleDataError) -> [LabeledText] {
    let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    let found =
      name.hasSuffix(".jsonl")
      ? try lines(bytes, path: path, text: text, target: target)
      : try rows(bytes, path: path, text: text, target: target)
    guard !found.isEmpty else { throw .noSamples(path: path) }
    return found
  }

  /// The classes of texts in the order of their numbers, as those of a table.
  public static func classes(of texts: [LabeledText]) -> [String] {
    CSVTable.classes(named: Set(texts.map(\.label)))
  }

  private static func rows(
    _ bytes: [UInt8], path: String, text: String, target: String
  ) throws(SampleDataError) -> [LabeledText] {
    let table = try CSVTable(bytes, path: path)
    let (textPlace, targetPlace) = (try table.index(of: text), try table.index(of: target))
    var found: [LabeledText] = []
    found.reserveCapacity(table.rows.count)
    for row in table.rows {
      found.append(
        LabeledText(
          text: try table.name(row, textPlace), label: try table.name(row, targetPlace),
          line: row.line))
    }
    return found
  }

  private static func lines(
    _ bytes: [UInt8], path: String, text: String, target: String
  ) throws(SampleDataError) -> [LabeledText] {
    var (found, line, start): ([LabeledText], Int, Int) = ([], 0, 0)
    do throws(ByteOrderMark.NotUTF8) {
      start = try ByteOrderMark.length(in: bytes)
    } catch {
      throw .otherEncoding(path: path, reason: "\(error)")
    }
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      let content = bytes[start..<end]
      line += 1
      start = end + 1
      if isBlank(content) { continue }
      let (words, label) = try members(
        ofJSON: Array(content), path: path, line: line, text: text, target: target)
      guard let label else {
        throw .notJSON(path: path, line: line, reason: "\(target): is missing")
      }
      found.append(LabeledText(text: words, label: label, line: line))
    }
    return found
  }

  /// Whether a line of JSON Lines is passed over.
  static func isBlank(_ content: some Sequence<UInt8>) -> Bool {
    content.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
  }

  /// The text and the class of a line of JSON Lines; nil where it does not name one.
  ///
  /// - Throws: `SampleDataError`.
  static func members(
    ofJSON content: [UInt8], path: String, line: Int, text: String, target: String
  ) throws(SampleDataError) -> (text: String, label: String?) {
    let value: JSONValue
    do throws(JSONReader.Failure) {
      value = try JSONReader.value(of: content)
    } catch {
      throw .notJSON(
        path: path, line: line, reason: "not JSON: \(error.reason) at byte \(error.offset)")
    }
    guard value.members != nil else {
      throw .notJSON(path: path, line: line, reason: "is \(value.summary), expected an object")
    }
    func member(_ key: String) throws(SampleDataError) -> String? {
      guard let member = value[key] else { return nil }
      // A class may be a number.
      guard let name = member.string ?? (key == target ? member.integer.map(String.init) : nil)
      else {
        throw .notJSON(
          path: path, line: line, reason: "\(key): is \(member.summary), expected text")
      }
      guard !name.allSatisfy(\.isWhitespace) else {
        throw .emptyField(path: path, line: line, column: key)
      }
      return name
    }
    guard let words = try member(text) else {
      throw .notJSON(path: path, line: line, reason: "\(text): is missing")
    }
    return (words, try member(target))
  }
}
