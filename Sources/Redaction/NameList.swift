import Foundation
import LockstepFiles

/// Names that the user gives, to be found as whole words.
///
/// A name of several words is found with any white space between them, one line end included, and with the
/// signs that it has. It is found as it is written in the list and in capitals; or in any letters, where
/// that is asked for.
public struct NameList: Sendable {
  /// A word or a sign; whether white space stood in front of it.
  private struct Part: Sendable, Hashable {
    let text: [UInt8]
    let hasSpace: Bool
  }

  /// By their first word or sign, the longest first.
  private var names: [[UInt8]: [[Part]]] = [:]
  private var seen: Set<[Part]> = []
  /// First bytes of names that occur, so that most words of a text are no candidates.
  private var firstBytes = [Bool](repeating: false, count: 256)
  private var longest = 0
  private let ignoresCase: Bool
  /// How many names there are, spellings apart.
  public private(set) var count = 0

  /// No names.
  ///
  /// - Parameter ignoringCase: Whether letters are found in either case. Default: no.
  public init(ignoringCase: Bool = false) { ignoresCase = ignoringCase }

  public var isEmpty: Bool { names.isEmpty }

  /// Adds the names of a file, one a line; empty lines and those that begin with `#` are passed over.
  ///
  /// - Throws: `RedactionError` where it can not be read, is not UTF-8, or a name has fewer than two letters.
  public mutating func add(file path: String) throws(RedactionError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileContents.read(path, limit: 256 << 20)
    } catch {
      throw .file(error)
    }
    let markLength: Int
    do throws(ByteOrderMark.NotUTF8) {
      markLength = try ByteOrderMark.length(in: bytes)
    } catch {
      throw .names(path: path, line: nil, reason: "\(error)")
    }
    guard let text = String(validating: bytes[markLength...], as: UTF8.self) else {
      throw .names(path: path, line: nil, reason: "is not UTF-8")
    }
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let name = line.trimmingCharacters(in: .whitespaces)
      if name.isEmpty || name.hasPrefix("#") { continue }
      guard name.unicodeScalars.count(where: \.properties.isAlphabetic) >= 2 else {
        throw .names(
          path: path, line: index + 1,
          reason: "a name of fewer than two letters is found everywhere")
      }
      add(name)
    }
  }

  /// Adds a name in all spellings in which it is found.
  public mutating func add(_ name: String) {
    count += 1
    // In Turkish the capital of i has its dot.
    let spellings =
      ignoresCase
      ? [Self.folded(name)]
      : [name, name.uppercased(), name.replacing("i", with: "İ").uppercased()]
    for spelling in spellings {
      // The same letters as one character or as a letter and an accent.
      for form in [
        spelling.precomposedStringWithCanonicalMapping,
        spelling.decomposedStringWithCanonicalMapping,
      ] {
        add(parts: Self.parts(of: Array(form.utf8)))
      }
    }
  }

  /// Small letters; i for İ, which is an i and a dot for `lowercased`, and an i in the names of those who
  /// write it.
  private static func folded(_ text: String) -> String {
    text.lowercased().replacing("i\u{307}", with: "i")
  }

  private mutating func add(parts: [Part]) {
    guard let first = parts.first, seen.insert(parts).inserted else { return }
    names[first.text, default: []].append(parts)
    names[first.text]?.sort { $0.count > $1.count }
    firstBytes[Int(first.text[0])] = true
    if ignoresCase, first.text[0].isLower { firstBytes[Int(first.text[0] & 0xDF)] = true }
    // Beyond ASCII, the other case begins with other bytes.
    if ignoresCase, first.text[0] >= 0x80 {
      for byte in 0x80..<256 { firstBytes[byte] = true }
    }
    // And İ.
    if ignoresCase, first.text[0] == UInt8(ascii: "i") { firstBytes[0xC4] = true }
    // The typographic apostrophe is found as well.
    if first.text[0] == UInt8(ascii: "'") { firstBytes[0xE2] = true }
    longest = max(longest, parts.count)
  }

  private static func parts(of bytes: [UInt8]) -> [Part] {
    bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return [] }
      let text = Text(base: base, count: buffer.count)
      var parts: [Part] = []
      var place = 0
      while let (range, hasSpace) = nextPart(in: text, from: place, mostLineEnds: 1) {
        parts.append(Part(text: spelling(of: range, in: text), hasSpace: hasSpace))
        place = range.upperBound
      }
      return parts
    }
  }

  /// The word or sign behind a place, and whether white space stands in front of it; nil at the end, and
  /// behind more line ends than there may be.
  private static func nextPart(
    in text: Text, from start: Int, mostLineEnds: Int
  ) -> (Range<Int>, Bool)? {
    var place = start
    var lineEnds = 0
    while place < text.count {
      if text[place].isSpace {
        if text[place] == UInt8(ascii: "\n") { lineEnds += 1 }
        place += 1
      } else if text[place] == 0xC2, text[place + 1] == 0xA0 {
        place += 2
      } else {
        break
      }
    }
    guard place < text.count, lineEnds <= mostLineEnds, place - start <= 16 else { return nil }
    return (place..<partEnd(at: place, in: text), place > start)
  }

  /// Where the word or sign that begins at a place ends.
  private static func partEnd(at place: Int, in text: Text) -> Int {
    let end = wordEnd(at: place, in: text)
    return end > place ? end : place + (scalarLength(at: place, in: text) ?? 1)
  }

  /// Where the word that begins at a place ends; the place itself where none does.
  private static func wordEnd(at start: Int, in text: Text) -> Int {
    var place = start
    while place < text.count {
      if text[place].isWord {
        place += 1
      } else if let length = letterLength(at: place, in: text) {
        place += length
      } else {
        break
      }
    }
    return place
  }

  /// Bytes of a scalar beyond ASCII; nil for damaged bytes.
  private static func scalarLength(at place: Int, in text: Text) -> Int? {
    let byte = text[place]
    let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0
    guard length > 0, byte < 0xF5,
      (1..<length).allSatisfy({ text[place + $0] & 0xC0 == 0x80 })
    else { return nil }
    return length
  }

  /// Bytes of a letter or accent beyond ASCII; nil for spaces, punctuation and damaged bytes.
  private static func letterLength(at place: Int, in text: Text) -> Int? {
    guard let length = scalarLength(at: place, in: text) else { return nil }
    let byte = text[place]
    // U+0080 to U+00BF, but for ª, µ and º; U+2000 to U+206F; U+3000 to U+303F; U+FF00 to U+FF0F.
    if byte == 0xC2 { return [0xAA, 0xB5, 0xBA].contains(text[place + 1]) ? length : nil }
    if byte == 0xE2, 0x80...0x81 ~= text[place + 1] { return nil }
    if byte == 0xE3, text[place + 1] == 0x80 { return nil }
    if byte == 0xEF, text[place + 1] == 0xBC, text[place + 2] < 0x90 { return nil }
    return length
  }

  private static func spelling(of range: Range<Int>, in text: Text) -> [UInt8] {
    text.has("’", at: range.lowerBound) ? [UInt8(ascii: "'")] : Array(text.bytes(range))
  }

  private func spelling(of range: Range<Int>, in text: Text) -> [UInt8] {
    let bytes = Self.spelling(of: range, in: text)
    guard ignoresCase else { return bytes }
    if bytes.allSatisfy({ $0 < 0x80 }) { return bytes.map(\.lowercased) }
    return Array(Self.folded(String(decoding: bytes, as: UTF8.self)).utf8)
  }

  // MARK: Finding

  func find(in text: Text, _ findings: inout [Finding]) {
    guard !isEmpty else { return }
    var place = 0
    var wordEnd = 0
    while place < text.count {
      guard text[place].isWord || text[place] >= 0xC2 || firstBytes[Int(text[place])] else {
        place += 1
        continue
      }
      let end = Self.partEnd(at: place, in: text)
      let isWord = Self.wordEnd(at: place, in: text) > place
      // A sign that follows a word, as in can't, begins no name.
      if isWord || place > wordEnd || place == 0, firstBytes[Int(text[place])],
        let found = longestName(from: place..<end, in: text)
      {
        findings.append(Finding(kind: .name, range: place..<found))
        (place, wordEnd) = (found, found)
      } else {
        place = end
        if isWord { wordEnd = end }
      }
    }
  }

  private func longestName(from word: Range<Int>, in text: Text) -> Int? {
    guard let candidates = names[spelling(of: word, in: text)] else { return nil }
    for parts in candidates {
      if let end = matchEnd(parts, from: word.upperBound, in: text) { return end }
    }
    return nil
  }

  private func matchEnd(_ parts: [Part], from start: Int, in text: Text) -> Int? {
    var place = start
    for part in parts.dropFirst() {
      guard let (range, hasSpace) = Self.nextPart(in: text, from: place, mostLineEnds: 1),
        hasSpace == part.hasSpace, spelling(of: range, in: text) == part.text
      else { return nil }
      place = range.upperBound
    }
    return place
  }

  /// Whether the last words of a text are the beginning of a name, whose rest may follow on the next line.
  func mayContinue(after text: Text) -> Bool {
    guard longest > 1 else { return false }
    // Where the last words begin: more than a name has are not needed.
    var starts: [Int] = []
    var place = text.count
    while place > 0, text[place - 1].isSpace { place -= 1 }
    let end = place
    while place > 0, starts.count < 2 * longest, end - place < 512 {
      place -= 1
      let isInside = text[place].isWord || text[place] >= 0x80
      let isBefore = place > 0 && (text[place - 1].isWord || text[place - 1] >= 0x80)
      let isSign =
        firstBytes[Int(text[place])] && Self.wordEnd(at: place, in: text) == place
      if isInside && !isBefore || isSign { starts.append(place) }
    }
    return starts.contains { start in
      let word = start..<Self.partEnd(at: start, in: text)
      guard let candidates = names[spelling(of: word, in: text)] else { return false }
      return candidates.contains { isBeginning(of: $0, from: word.upperBound, in: text, to: end) }
    }
  }

  private func isBeginning(of parts: [Part], from start: Int, in text: Text, to end: Int) -> Bool {
    var place = start
    for part in parts.dropFirst() {
      if place >= end { return true }
      guard let (range, hasSpace) = Self.nextPart(in: text, from: place, mostLineEnds: 1),
        hasSpace == part.hasSpace, spelling(of: range, in: text) == part.text
      else { return false }
      place = range.upperBound
    }
    return false
  }
}
