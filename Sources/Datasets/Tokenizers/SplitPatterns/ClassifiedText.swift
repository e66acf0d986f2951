/// Cuts text into the words within which tokens are merged.
///
/// The words of a text cover it without gaps.
package protocol WordCutter {
  /// Where the word that begins at `start` ends.
  ///
  /// - Parameter start: A byte offset below the text's count: zero, or the end of the last word.
  func endOfWord(from start: Int) -> Int
}

/// A text whose scalars are asked for by their class.
struct ClassifiedText {
  let bytes: UnsafePointer<UInt8>
  let count: Int
  private let classes: UnsafePointer<ScalarClass>

  /// - Parameters:
  ///   - text: UTF-8, or any bytes, not empty; must outlive this.
  ///   - classes: The table of ``ScalarClasses``; must outlive this.
  init(_ text: UnsafeBufferPointer<UInt8>, classes: UnsafeBufferPointer<ScalarClass>) {
    precondition(classes.count == ScalarClasses.tableCount)
    guard let base = text.baseAddress, let table = classes.baseAddress else {
      preconditionFailure("words are those of a text that is not empty")
    }
    bytes = base
    count = text.count
    self.classes = table
  }

  /// The class and the length in bytes of the scalar at an offset.
  @inline(__always)
  func scalar(at position: Int) -> (ScalarClass, Int) {
    let byte = bytes[position]
    return byte < 0x80 ? (classes[Int(byte)], 1) : longScalar(at: position)
  }

  /// As `scalar(at:)`, beyond ASCII. A byte that begins no valid sequence is taken alone.
  private func longScalar(at position: Int) -> (ScalarClass, Int) {
    let (value, length) = UTF8Scalar.decode(bytes + position, available: count - position)
    if length == 0 { return (.other, 1) }
    let inTable = value < UInt32(ScalarClasses.tableCount)
    return (inTable ? classes[Int(value)] : ScalarClasses.beyondTable(value), length)
  }

  /// Where a run of scalars of one class ends.
  @inline(__always)
  func endOfRun(of wanted: ScalarClass, from start: Int) -> Int {
    var position = start
    while position < count {
      let (scalarClass, length) = scalar(at: position)
      if scalarClass != wanted { break }
      position += length
    }
    return position
  }

  /// Where a run of white space ends, and where its last scalar begins.
  ///
  /// - Parameter start: Of a white space.
  @inline(__always)
  func whitespaceRun(from start: Int) -> (end: Int, last: Int) {
    var position = start
    var last = start
    while position < count {
      let (scalarClass, length) = scalar(at: position)
      if scalarClass != .whitespace { break }
      last = position
      position += length
    }
    return (position, last)
  }

  /// The length of `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe, or zero.
  func contractionLength(at start: Int) -> Int {
    guard start + 1 < count else { return 0 }
    switch bytes[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < count && bytes[start + 2] == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"):
      return start + 2 < count && bytes[start + 2] == UInt8(ascii: "l") ? 3 : 0
    default:
      return 0
    }
  }

  /// The length of `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at an apostrophe, or zero. Without regard to case "ſ"
  /// (U+017F) is an "s".
  func anyCaseContractionLength(at start: Int) -> Int {
    func letter(_ place: Int) -> UInt8 { place < count ? bytes[place] | 0x20 : 0 }
    switch letter(start + 1) {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return letter(start + 2) == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"):
      return letter(start + 2) == UInt8(ascii: "l") ? 3 : 0
    default:
      return start + 2 < count && bytes[start + 1] == 0xC5 && bytes[start + 2] == 0xBF ? 3 : 0
    }
  }
}
