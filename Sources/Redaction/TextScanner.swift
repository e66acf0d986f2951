/// Finds what is to be replaced in one text: a line, or a value of a table or of JSON.
struct TextScanner: Sendable {
  let classes: Set<RedactionClass>
  let names: NameList

  /// What the name of a value says of it, as that of a column does.
  struct Hint: Sendable, Equatable {
    var isPhone = false
    var secret: SecretNames.Kind?

    /// - Parameter name: A key, or a column's name; empty: nothing is known.
    init(name: UnsafeBufferPointer<UInt8>) {
      guard let base = name.baseAddress, !name.isEmpty else { return }
      isPhone = PhoneWords.name(Text(base: base, count: name.count))
      secret = SecretNames.kind(of: name)
    }

    init() {}
  }

  /// All findings, in order and without overlaps. None lies in a mark.
  func findings(in text: Text, _ hint: Hint) -> [Finding] {
    var found: [Finding] = []
    if classes.contains(.privateKey) { PrivateKeyDetector.find(in: text, &found) }
    if classes.contains(.name) { names.find(in: text, &found) }
    var start = 0
    while start < text.count {
      var contents = LineContents()
      let end = contents.read(text, from: start)
      find(in: text, start..<end, contents, hint, &found)
      start = end + 1
    }
    return found.isEmpty ? [] : chosen(found, in: text)
  }

  /// Runs the detectors for which a line has what they look for.
  private func find(
    in text: Text, _ line: Range<Int>, _ contents: LineContents, _ hint: Hint,
    _ found: inout [Finding]
  ) {
    let digits = contents.digits
    if contents.signs > 0 || text.first("%40", in: line) != nil, contents.signs + digits > 0 {
      if classes.contains(.credentials), contents.colons > 0 {
        CredentialDetector.find(in: text, line, &found)
      }
      if classes.contains(.email) { EmailDetector.find(in: text, line, &found) }
    }
    if classes.contains(.secret),
      contents.longestToken >= 20 || contents.colons + contents.equals > 0 || hint.secret != nil
    {
      SecretDetector(isNamed: hint.secret).find(in: text, line, &found)
    }
    if contents.colons >= 2, classes.contains(.ip) {
      InternetAddressDetector.findIPv6(in: text, line, &found)
    }
    if contents.colons >= 5 || contents.hyphens >= 5 || contents.dots >= 2, classes.contains(.mac) {
      HardwareAddressDetector.find(in: text, line, &found)
    }
    guard digits >= 4 else { return }
    if contents.dots >= 3, classes.contains(.ip) {
      InternetAddressDetector.findIPv4(in: text, line, &found)
    }
    if classes.contains(.iban) { BankAccountDetector.find(in: text, line, &found) }
    guard digits >= 7 else { return }
    if classes.contains(.phone) || classes.contains(.card) {
      var detector = PhoneDetector(isNamed: hint.isPhone)
      detector.find(in: text, line, classes, &found)
    }
  }

  /// Of findings that overlap the one whose class comes first, and of these the longest.
  private func chosen(_ found: [Finding], in text: Text) -> [Finding] {
    let ordered = found.sorted {
      ($0.rank, -$0.range.count, $0.range.lowerBound)
        < ($1.rank, -$1.range.count, $1.range.lowerBound)
    }
    // Of each byte, whether a mark or a finding that is kept has it.
    var isTaken = [Bool](repeating: false, count: text.count)
    func take(_ range: Range<Int>) { for place in range { isTaken[place] = true } }
    marks(in: text).forEach(take)
    var kept: [Finding] = []
    for finding in ordered
    where !finding.range.isEmpty && !isTaken[finding.range].contains(true) {
      take(finding.range)
      kept.append(finding)
    }
    return kept.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// Where marks and pseudonyms stand already.
  private func marks(in text: Text) -> [Range<Int>] {
    var marks: [Range<Int>] = []
    var place = 0
    while place < text.count {
      if text.base[place] == UInt8(ascii: "["),
        let end = Replacement.end(ofMarkAt: place, in: text)
      {
        marks.append(place..<end)
        place = end
      } else {
        place += 1
      }
    }
    return marks
  }
}

/// How many of the bytes that detectors look for a line has.
struct LineContents {
  var digits = 0
  var dots = 0
  var colons = 0
  var hyphens = 0
  var equals = 0
  /// `@`.
  var signs = 0
  /// Bytes of the longest run of letters, digits and what tokens have between.
  var longestToken = 0

  /// What a byte is: bits of what is counted, and whether it may be part of a token.
  private static let kinds: [UInt8] = (0..<256).map { value in
    let byte = UInt8(value)
    return switch byte {
    case UInt8(ascii: "."): 1
    case UInt8(ascii: ":"): 2
    case UInt8(ascii: "-"): 3
    case UInt8(ascii: "="): 4
    case UInt8(ascii: "@"): 5
    case UInt8(ascii: "\n"): 6
    case UInt8(ascii: "+"), UInt8(ascii: "/"): 7
    default: byte.isDigit ? 8 : byte.isWord ? 7 : 0
    }
  }

  /// Reads the line that begins at a place.
  ///
  /// - Returns: Where it ends.
  mutating func read(_ text: Text, from start: Int) -> Int {
    Self.kinds.withUnsafeBufferPointer { kinds in
      var place = start
      var token = start
      while place < text.count {
        let kind = kinds[Int(text.base[place])]
        switch kind {
        case 7: break
        case 8: digits += 1
        case 3: hyphens += 1
        default:
          longestToken = max(longestToken, place - token)
          token = place + 1
          switch kind {
          case 1: dots += 1
          case 2: colons += 1
          case 4: equals += 1
          case 5: signs += 1
          case 6: return place
          default: break
          }
        }
        place += 1
      }
      longestToken = max(longestToken, place - token)
      return place
    }
  }
}
