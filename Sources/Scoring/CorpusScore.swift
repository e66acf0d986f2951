import Foundation
import LockstepFiles
import LockstepSettings

/// BLEU and chrF of a corpus, line by line.
public struct CorpusScore: Sendable {
  public let bleu: BLEU
  public let characterFScore: CharacterFScore
  /// Counts of the lines so far.
  public private(set) var bleuStatistics = BLEU.Statistics()
  /// Counts of the lines so far.
  public private(set) var characterStatistics = CharacterFScore.Statistics()
  public private(set) var lineCount = 0
  /// References of each line; 0 before the first.
  public private(set) var referenceCount = 0

  public init(bleu: BLEU = BLEU(), characterFScore: CharacterFScore = CharacterFScore()) {
    self.bleu = bleu
    self.characterFScore = characterFScore
  }

  /// - Parameter references: At least one, and of each line as many.
  public mutating func add(_ hypothesis: String, references: [String]) {
    precondition(lineCount == 0 || references.count == referenceCount)
    bleuStatistics += bleu.statistics(of: hypothesis, references: references)
    characterStatistics += characterFScore.statistics(of: hypothesis, references: references)
    lineCount += 1
    referenceCount = references.count
  }

  /// Adds the lines of files.
  ///
  /// - Parameters:
  ///   - hypotheses: UTF-8, one a line; - is standard input.
  ///   - references: Files of as many lines; at least one.
  /// - Throws: `ScoringError`.
  public mutating func add(hypotheses: String, references: [String]) throws {
    try TextLines.forEach(hypotheses: hypotheses, references: references) {
      add($0, references: $1)
    }
  }
}

/// The lines of a file.
enum TextLines {
  /// Calls `body` with each line that is judged, and the same line of each file of references.
  ///
  /// - Throws: `ScoringError`.
  static func forEach(
    hypotheses: String, references: [String], _ body: (String, [String]) -> Void
  ) throws {
    let found = try read(hypotheses)
    let expected = try references.map { path in
      let lines = try read(path)
      guard lines.count == found.count else {
        throw ScoringError.unequalLines(
          hypotheses: hypotheses, count: found.count, references: path, expected: lines.count)
      }
      return lines
    }
    guard !found.isEmpty else { throw ScoringError.noLines(path: hypotheses) }
    for (index, line) in found.enumerated() {
      body(line, expected.map { $0[index] })
    }
  }

  /// - Parameter path: A file or pipe; - is standard input.
  static func read(_ path: String) throws -> [String] {
    let name = path == "-" ? "standard input" : path
    let file: MappedFile
    do throws(FileError) {
      file =
        try path == "-"
        ? MappedFile(spooling: FileHandle.standardInput.fileDescriptor, name: name)
        : MappedFile(path: path)
    } catch {
      throw ScoringError.unreadable(path: name, reason: error.reason)
    }
    return try file.withBytes { try lines(of: $0, name: name) }
  }

  private static func lines(
    of bytes: UnsafeRawBufferPointer, name: String
  ) throws(ScoringError) -> [String] {
    let markLength: Int
    do throws(ByteOrderMark.NotUTF8) {
      markLength = try ByteOrderMark.length(in: bytes)
    } catch {
      throw .unreadable(path: name, reason: "\(error)")
    }
    var lines = bytes[markLength...].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // The last line end ends a line, and does not begin another.
    if lines.last?.isEmpty ?? true { lines.removeLast() }
    return try lines.enumerated().map { (index, bytes) throws(ScoringError) in
      guard let line = String(validating: bytes, as: UTF8.self) else {
        throw .notUTF8(path: name, line: index + 1)
      }
      return line
    }
  }
}

/// Why lines can not be compared.
public enum ScoringError: UserInputError, Equatable {
  case unreadable(path: String, reason: String)
  case notUTF8(path: String, line: Int)
  case noLines(path: String)
  case unequalLines(hypotheses: String, count: Int, references: String, expected: Int)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .notUTF8(let path, let line):
      "\(path): line \(line) is not UTF-8; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
    case .noLines(let path): "\(path): there is no line to score"
    case .unequalLines(let hypotheses, let count, let references, let expected):
      """
      \(hypotheses) has \(count) lines, \(references) has \(expected): \
      line n of one is compared with line n of the other
      """
    }
  }
}
