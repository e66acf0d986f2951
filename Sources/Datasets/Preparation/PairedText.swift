/// Lines of a text and of its translation.
struct PairedText {
  private let source: InputDocument
  private let target: InputDocument
  /// Where the lines are that have text in both languages, without their line feeds.
  private let lines: [(source: Range<Int>, target: Range<Int>)]
  /// Lines that are empty in either language.
  private let skipped: Int

  private init(
    source: InputDocument, target: InputDocument, lines: [(source: Range<Int>, target: Range<Int>)],
    skipped: Int
  ) {
    self.source = source
    self.target = target
    self.lines = lines
    self.skipped = skipped
  }

  /// Reads both texts.
  ///
  /// - Throws: `PairError` where they are not line for line, or not UTF-8; `PreparationError`.
  init(source: String, target: String, redacting redaction: InputDocument.Redaction?) throws {
    let sourceText = try InputDocument.open(file: source, redacting: redaction)
    let targetText = try InputDocument.open(file: target, redacting: redaction)
    let sourceLines = try sourceText.lines()
    let targetLines = try targetText.lines()
    guard sourceLines.count == targetLines.count else {
      throw PairError.unequalLineCounts(
        source: source, sourceCount: sourceLines.count, target: target,
        targetCount: targetLines.count)
    }
    let pairs = zip(sourceLines, targetLines).map { (source: $0, target: $1) }
    let filled = pairs.filter {
      !sourceText.isBlank(in: $0.source) && !targetText.isBlank(in: $0.target)
    }
    guard !filled.isEmpty else { throw PairError.noPairs(source: source, target: target) }
    self.init(
      source: sourceText, target: targetText, lines: filled, skipped: pairs.count - filled.count)
  }

  var documents: [InputDocument] { [source, target] }

  /// The last pairs, at least one; nil for a fraction of 0, or of a single pair.
  func last(fraction: Double) -> PairedText? {
    guard fraction > 0, lines.count > 1 else { return nil }
    let count = min(lines.count - 1, max(1, Int(Double(lines.count) * fraction)))
    return PairedText(
      source: source, target: target, lines: lines.suffix(count), skipped: 0)
  }

  /// All pairs but those last ones; nil where none is left.
  func dropping(_ last: PairedText?) -> PairedText? {
    let kept = lines.dropLast(last?.lines.count ?? 0)
    guard !kept.isEmpty else { return nil }
    return PairedText(source: source, target: target, lines: Array(kept), skipped: skipped)
  }

  /// Both texts, from the first of these lines to the last one: what a tokenizer is trained on.
  var spans: [TextSpan] {
    guard let first = lines.first, let last = lines.last else { return [] }
    return [
      TextSpan(document: source, range: first.source.lowerBound..<last.source.upperBound),
      TextSpan(document: target, range: first.target.lowerBound..<last.target.upperBound),
    ]
  }

  /// Bytes of text in both languages.
  var byteCount: Int { lines.reduce(0) { $0 + $1.source.count + $1.target.count } }

  /// Two token files, which are yet to appear.
  struct Draft {
    fileprivate typealias File = (writer: TokenFileWriter, path: String)

    fileprivate let pairs: Int
    fileprivate let skipped: Int
    fileprivate let source: File
    fileprivate let target: File

    /// Makes both files appear.
    func finish() throws -> PairManifest.Part {
      try source.writer.finish()
      try target.writer.finish()
      return PairManifest.Part(
        pairs: pairs, skipped: skipped, sourceTokens: source.writer.count,
        targetTokens: target.writer.count,
        sourceSHA256: try FileHash.sha256(ofFile: source.path),
        targetSHA256: try FileHash.sha256(ofFile: target.path))
    }
  }

  /// Encodes both texts.
  ///
  /// - Parameters:
  ///   - path: Without `.source.bin` and `.target.bin`.
  ///   - special: What names of special tokens in the lines are.
  ///   - report: Called with the bytes that were encoded since.
  /// - Throws: `PairError.endOfTextInLine` where a line would have such a token in it;
  ///   `PreparationError.notExpressible`.
  func encode(
    to path: String, tokenizer: any Tokenizer, endOfText: Int32, special: SpecialTokens,
    report: (Int) -> Void
  ) throws -> Draft {
    func encode(
      _ document: InputDocument, _ lines: [Range<Int>], _ path: String
    ) throws -> Draft.File {
      let writer = try TokenFileWriter(
        path: path, vocabularyCount: tokenizer.vocabulary.textCount,
        tokenizerHash: tokenizer.contentHash)
      for line in lines {
        let text = UnsafeRawBufferPointer(rebasing: document.bytes[line])
        let tokens: [Int32]
        do throws(TokenizerError) {
          tokens = try tokenizer.encode(text, special: special)
        } catch {
          throw PreparationError.notExpressible(
            path: document.name, line: document.lineNumber(at: line.lowerBound), error)
        }
        // It ends a text, and all that follow would be paired with the wrong ones.
        guard !tokens.contains(endOfText) else {
          throw PairError.endOfTextInLine(
            path: document.name, line: document.lineNumber(at: line.lowerBound))
        }
        try writer.append(tokens + [endOfText])
        report(line.count)
      }
      return (writer, path)
    }
    return Draft(
      pairs: lines.count, skipped: skipped,
      source: try encode(source, lines.map(\.source), path + ".source.bin"),
      target: try encode(target, lines.map(\.target), path + ".target.bin"))
  }
}

extension InputDocument {
  /// One text file.
  fileprivate static func open(
    file path: String, redacting redaction: Redaction?
  ) throws(PreparationError) -> InputDocument {
    guard let document = try open([path], redacting: redaction).documents.first else {
      throw .emptyInput(paths: [path])
    }
    guard document.name == path else {
      throw .unreadableInput(path: path, reason: "a directory; expected a text file")
    }
    return document
  }

  /// Where the lines are, without their line feeds and carriage returns.
  ///
  /// - Throws: `PairError.notUTF8`.
  fileprivate func lines() throws(PairError) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      let hasReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
      let line = start..<(hasReturn ? end - 1 : end)
      do throws(TokenizerError) {
        try UTF8Scalar.forEach(in: UnsafeRawBufferPointer(rebasing: bytes[line])) {
          (_, _) throws(TokenizerError) in
        }
      } catch {
        throw .notUTF8(path: name, line: lines.count + 1)
      }
      lines.append(line)
      start = end + 1
    }
    return lines
  }

  fileprivate func isBlank(in line: Range<Int>) -> Bool {
    bytes[line].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }
}
