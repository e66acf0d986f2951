/// Cuts text into the words within which byte-pair encoding merges.
///
/// The words are the successive matches of GPT-2's pattern
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// which cover every text without gaps. A word holds white space only as its first space, unless it
/// is white space throughout. So a text may be cut into pieces before any white space that follows
/// something else, and the words stay the same.
///
/// Source: `encoder.py` in OpenAI's GPT-2 release.
package struct WordScanner {
  private let text: UnsafePointer<UInt8>
  private let count: Int
  private let classes: UnsafePointer<ScalarClass>

  /// - Parameters:
  ///   - text: UTF-8, or any bytes; must outlive the scanner.
  ///   - classes: The table of ``ScalarClasses``; must outlive the scanner.
  package init(text: UnsafeBufferPointer<UInt8>, classes: UnsafeBufferPointer<ScalarClass>) {
    precondition(classes.count == ScalarClasses.tableCount)
    guard let base = text.baseAddress, let table = classes.baseAddress else {
      preconditionFailure("the scanner needs a text that is not empty")
    }
    self.text = base
    self.count = text.count
    self.classes = table
  }

  /// Where the word that begins at `start` ends.
  ///
  /// - Parameter start: A byte offset below the text's count: zero, or the end of the last word.
  @inline(__always)
  package func endOfWord(from start: Int) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'") {
      let length = contractionLength(at: start)
      if length > 0 { return start + length }
    }
    var position = start
    if first == UInt8(ascii: " ") {
      position += 1
      if position == count { return count }
    }
    let (scalarClass, length) = scalar(at: position)
    if scalarClass != .whitespace {
      return endOfRun(of: scalarClass, from: position + length)
    }
    return endOfWhitespace(from: start)
  }

  /// `\s+(?!\S)|\s+`: a run of white space leaves its last scalar to the word that follows it, if
  /// one follows and the run has another.
  private func endOfWhitespace(from start: Int) -> Int {
    var position = start
    var last = start
    while position < count {
      let (scalarClass, length) = scalar(at: position)
      if scalarClass != .whitespace { break }
      last = position
      position += length
    }
    return position == count || last == start ? position : last
  }

  @inline(__always)
  private func endOfRun(of wanted: ScalarClass, from start: Int) -> Int {
    var position = start
    while position < count {
      let (scalarClass, length) = scalar(at: position)
      if scalarClass != wanted { break }
      position += length
    }
    return position
  }

  /// The length of `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe, or zero.
  private func contractionLength(at start: Int) -> Int {
    guard start + 1 < count else { return 0 }
    switch text[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < count && text[start + 2] == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"):
      return start + 2 < count && text[start + 2] == UInt8(ascii: "l") ? 3 : 0
    default:
      return 0
    }
  }

  /// The class and the length in bytes of the scalar at an offset.
  @inline(__always)
  private func scalar(at position: Int) -> (ScalarClass, Int) {
    let byte = text[position]
    return byte < 0x80 ? (classes[Int(byte)], 1) : longScalar(at: position)
  }

  /// As `scalar(at:)`, beyond ASCII. A byte that begins no valid sequence is taken alone.
  private func longScalar(at position: Int) -> (ScalarClass, Int) {
    let (value, length) = UTF8Scalar.decode(text + position, available: count - position)
    if length == 0 { return (.other, 1) }
    let inTable = value < UInt32(ScalarClasses.tableCount)
    return (inTable ? classes[Int(value)] : ScalarClasses.beyondTable(value), length)
  }
}
