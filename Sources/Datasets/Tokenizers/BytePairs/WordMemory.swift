/// Where in a text words occurred last, and where their ids went.
///
/// A direct-mapped cache without storage of its own: the text holds the words and the output holds
/// the ids. A word that meets another in its slot replaces it.
struct WordMemory {
  /// Words up to this many bytes are remembered.
  static let longestWord = 48

  private struct Entry {
    var wordStart: Int
    var tokenStart: Int
    var wordCount: Int32 = 0
    var tokenCount: Int32 = 0
  }

  private var entries: [Entry]

  /// - Parameter textCount: The text's bytes: short texts get a small memory.
  init(textCount: Int) {
    var count = 64
    while count < 1 << 15 && 16 * count < textCount { count *= 2 }
    entries = [Entry](repeating: Entry(wordStart: 0, tokenStart: 0), count: count)
  }

  @inline(__always)
  func slot(ofWordAt start: Int, count: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var hash = UInt64(truncatingIfNeeded: count)
    var position = start
    let end = start + count
    while position + 8 <= end {
      hash = Self.mix(hash, Self.load(text, position))
      position += 8
    }
    if position < end {
      let unused = UInt64(8 * (8 - (end - position)))
      if position + 8 <= text.count {
        hash = Self.mix(hash, Self.load(text, position) << unused)
      } else {
        var tail: UInt64 = 0
        for index in position..<end { tail = tail >> 8 | UInt64(text[index]) << 56 }
        hash = Self.mix(hash, tail)
      }
    }
    return Int(truncatingIfNeeded: hash >> 40) & (entries.count - 1)
  }

  @inline(__always)
  private static func load(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> UInt64 {
    UInt64(
      littleEndian: UnsafeRawBufferPointer(text).loadUnaligned(
        fromByteOffset: position, as: UInt64.self))
  }

  @inline(__always)
  private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
    return product ^ product >> 29
  }

  /// Where the ids of a word are, if the slot holds that word.
  @inline(__always)
  func recall(
    _ slot: Int, wordAt start: Int, count: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (start: Int, count: Int)? {
    let entry = entries[slot]
    guard Int(entry.wordCount) == count else { return nil }
    var index = 0
    while index + 8 <= count {
      if Self.load(text, start + index) != Self.load(text, entry.wordStart + index) { return nil }
      index += 8
    }
    while index < count {
      if text[start + index] != text[entry.wordStart + index] { return nil }
      index += 1
    }
    return (entry.tokenStart, Int(entry.tokenCount))
  }

  @inline(__always)
  mutating func remember(
    _ slot: Int, wordAt start: Int, count: Int, tokensAt tokenStart: Int, tokenCount: Int
  ) {
    entries[slot] = Entry(
      wordStart: start, tokenStart: tokenStart, wordCount: Int32(truncatingIfNeeded: count),
      tokenCount: Int32(truncatingIfNeeded: tokenCount))
  }
}
