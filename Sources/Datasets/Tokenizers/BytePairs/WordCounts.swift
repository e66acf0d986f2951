/// How often each word of a text occurs: all that byte-pair training needs to know of the text.
///
/// The words are not copied: they stay where they were found, so every text that was added must
/// outlive the counts.
struct WordCounts {
  struct Word {
    var start: UnsafePointer<UInt8>
    var count: Int
    var hash: UInt64
    var occurrences: Int
  }

  /// The words, in the order of their first occurrence.
  private(set) var words: [Word] = []
  /// Open addressing, at most half full: indices into `words`, or -1.
  private var slots = [Int32](repeating: -1, count: 1 << 12)
  private let classes = ScalarClasses()

  /// Counts the words of a text, which may be a piece of a longer one (see ``TextPieces``).
  mutating func add(_ text: UnsafeRawBufferPointer) {
    guard text.count > 0 else { return }
    text.withMemoryRebound(to: UInt8.self) { bytes in
      guard let base = bytes.baseAddress else { return }
      classes.table.withUnsafeBufferPointer { table in
        let scanner = WordScanner(text: bytes, classes: table)
        var start = 0
        while start < bytes.count {
          let end = scanner.endOfWord(from: start)
          count(base + start, end - start)
          start = end
        }
      }
    }
  }

  private mutating func count(_ word: UnsafePointer<UInt8>, _ length: Int) {
    // FNV-1a: words are short.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<length { hash = (hash ^ UInt64(word[index])) &* 0x100_0000_01B3 }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if words[index].hash == hash && isEqual(words[index], word, length) {
        words[index].occurrences += 1
        return
      }
      slot = (slot + 1) & mask
    }
    slots[slot] = Int32(words.count)
    words.append(Word(start: word, count: length, hash: hash, occurrences: 1))
    if 2 * words.count > slots.count { grow() }
  }

  private func isEqual(_ known: Word, _ word: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    guard known.count == length else { return false }
    for index in 0..<length where known.start[index] != word[index] { return false }
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    let mask = slots.count - 1
    for (index, word) in words.enumerated() {
      var slot = Int(truncatingIfNeeded: word.hash ^ word.hash >> 32) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(index)
    }
  }
}
