import LockstepFiles

/// What a file is made of.
public enum RedactionFormat: String, CaseIterable, Sendable, Codable {
  /// Every byte is text.
  case text
  /// Strings of JSON that are no keys, in lines of JSON or a document.
  case json
  /// Fields of a table: with `,`.
  case csv
  /// With tabs; quotation marks have no meaning.
  case tsv

  /// What the end of a file's name says.
  public init(path: String) {
    let ending = FileSystem.name(of: path)?.split(separator: ".").dropFirst().last
    self =
      switch ending?.lowercased() {
      case "jsonl", "ndjson", "json": .json
      case "csv": .csv
      case "tsv", "tab": .tsv
      default: .text
      }
  }
}

/// A part of a file that is redacted by itself: blocks of a file can be redacted at the same time.
struct RedactedBlock {
  var output: [UInt8]
  var counts = RedactionCounts()
  /// What is wrong with the block's first line that is; lines count from 0.
  var problem: (line: Int, reason: String)?
}

/// Cuts a file's bytes where nothing that is found lies across, and redacts what lies between.
protocol BlockRedactor: Sendable {
  /// The last place up to a limit where a block that begins with the bytes may end.
  ///
  /// - Parameters:
  ///   - bytes: From the end of the last block on.
  ///   - least: The place is beyond this many bytes, if there is one.
  /// - Returns: Nil where it can not be told without more bytes.
  func blockEnd(in bytes: UnsafeBufferPointer<UInt8>, least: Int) -> Int?

  /// Redacts a block.
  ///
  /// - Parameter hints: What is known of its values: of a table by column, of JSON by the last key in
  ///   front of the block.
  func redacted(_ block: UnsafeBufferPointer<UInt8>, hints: [TextScanner.Hint]) -> RedactedBlock

  /// What is known of the values of the next block.
  ///
  /// - Parameter hints: What was known of those of this one.
  func hints(
    behind block: UnsafeBufferPointer<UInt8>, _ hints: [TextScanner.Hint]
  ) -> [TextScanner.Hint]
}

extension BlockRedactor {
  func hints(
    behind block: UnsafeBufferPointer<UInt8>, _ hints: [TextScanner.Hint]
  ) -> [TextScanner.Hint] { hints }
}
