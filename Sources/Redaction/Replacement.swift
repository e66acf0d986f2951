import Crypto
import Foundation
import LockstepKeys

/// What takes the place of a finding.
///
/// A mark `[EMAIL]`, or with a key the pseudonym `[EMAIL_K3V9Q2M7XA4B]`: the same for the same address
/// everywhere. Its 60 bits are those of an HMAC, which nobody can guess the address from who lacks the key.
struct Replacement: Sendable {
  /// Characters of a pseudonym.
  static let digitCount = 12
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
  static let marks: [RedactionClass: [UInt8]] = Dictionary(
    uniqueKeysWithValues: RedactionClass.allCases.map { ($0, Array("[\($0.label)]".utf8)) })

  private let key: SymmetricKey?

  /// - Parameter key: Nil: marks.
  init(key: SecretKey?) {
    self.key = key?.derived(for: "lockstep redaction: pseudonyms, version 1")
  }

  /// Appends what takes a finding's place.
  func append(
    _ kind: RedactionClass, for value: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
  ) {
    guard let key else {
      output += Self.marks[kind] ?? []
      return
    }
    // The class separates what is written alike.
    let message = Array(kind.rawValue.utf8) + [0] + Canonical.form(of: value, kind)
    let code = HMAC<SHA256>.authenticationCode(for: message, using: key)
    var bits = code.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    output.append(UInt8(ascii: "["))
    output += Array(kind.label.utf8)
    output.append(UInt8(ascii: "_"))
    for _ in 0..<Self.digitCount {
      output.append(Self.alphabet[Int(bits >> 59)])
      bits <<= 5
    }
    output.append(UInt8(ascii: "]"))
  }

  /// The bytes of a mark or pseudonym at a place, with its brackets; nil where none is.
  static func end(ofMarkAt place: Int, in text: Text) -> Int? {
    var end = place + 1
    while end - place < 16,
      text[end].isUpper || text[end] == UInt8(ascii: "_") && !isDigits(end, text)
    {
      end += 1
    }
    let label = text.bytes(place + 1..<min(end, text.count))
    guard labels.contains(where: { $0.elementsEqual(label) }) else { return nil }
    if text[end] == UInt8(ascii: "]") { return end + 1 }
    return isDigits(end, text) ? end + digitCount + 2 : nil
  }

  private static let labels = RedactionClass.allCases.map { Array($0.label.utf8) }

  /// Whether `_`, a pseudonym's characters and `]` stand at a place.
  private static func isDigits(_ place: Int, _ text: Text) -> Bool {
    guard text[place] == UInt8(ascii: "_"), text[place + digitCount + 1] == UInt8(ascii: "]") else {
      return false
    }
    return (1...digitCount).allSatisfy {
      text[place + $0].isUpper || 0x32...0x37 ~= text[place + $0]
    }
  }
}

/// The form of a value in which different spellings of it are alike.
enum Canonical {
  static func form(of value: UnsafeBufferPointer<UInt8>, _ kind: RedactionClass) -> [UInt8] {
    switch kind {
    case .email:
      return Array(
        String(decoding: value, as: UTF8.self).lowercased().replacing("%40", with: "@").utf8)
    case .mac: return value.filter(\.isHexadecimal).map(\.lowercased)
    case .card: return value.filter(\.isDigit)
    case .iban: return value.filter(\.isAlphanumeric).map(\.lowercased)
    case .phone: return phone(value)
    case .ip:
      return value.contains(UInt8(ascii: ":"))
        ? InternetAddressDetector.groups(of: value) : Array(value)
    case .name:
      let text = String(decoding: value, as: UTF8.self)
      let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      // Some letters are one in capitals alone (ß and SS, ς and σ), and I has two small ones.
      let folded = words.uppercased().replacing("İ", with: "I").lowercased()
      return Array(folded.replacing("’", with: "'").precomposedStringWithCanonicalMapping.utf8)
    case .secret, .credentials, .privateKey: return Array(value)
    }
  }

  /// The digits; `00` in front of a country's code is `+`, and the (0) behind it is left out.
  private static func phone(_ value: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var digits: [UInt8] = []
    var isInternational = value.contains(UInt8(ascii: "+"))
    for (index, byte) in value.enumerated() where byte.isDigit {
      let isOptional =
        isInternational && byte == UInt8(ascii: "0") && index > 0 && index + 1 < value.count
        && value[index - 1] == UInt8(ascii: "(") && value[index + 1] == UInt8(ascii: ")")
      if !isOptional { digits.append(byte) }
    }
    if !isInternational, digits.starts(with: [0x30, 0x30]) {
      digits.removeFirst(2)
      isInternational = true
    }
    return (isInternational ? [UInt8(ascii: "+")] : []) + digits
  }
}
