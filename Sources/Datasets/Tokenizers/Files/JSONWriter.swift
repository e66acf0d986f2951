import LockstepFiles

/// A JSON text that is being written, piece by piece.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []

  /// Appends characters as they are.
  mutating func append(_ characters: String) {
    bytes.append(contentsOf: characters.utf8)
  }

  /// Appends a string in quotation marks, with what JSON requires escaped.
  mutating func append(quoting text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        append("\\u00" + [byte].hexadecimal)
      default:
        bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// A string in quotation marks.
  static func quoted(_ text: String) -> String {
    var json = JSONWriter()
    json.append(quoting: text)
    return String(decoding: json.bytes, as: UTF8.self)
  }
}
