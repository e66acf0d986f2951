/// The mark that some programs put in front of a text to tell its encoding (Unicode 16.0, 23.8).
///
/// In front of UTF-8 it says nothing and is no part of the text. In front of anything else it says that
/// the text is not UTF-8, which would otherwise be read as such. So do the first bytes of files that are
/// compressed, and of documents.
package enum ByteOrderMark {
  /// A file begins as no text in UTF-8 does.
  package enum NotUTF8: Error, Equatable, CustomStringConvertible {
    /// With the mark of another encoding, as `iconv` calls it.
    case encoding(String)
    /// As files of a program do.
    ///
    /// - Parameters:
    ///   - format: Such as "compressed by xz".
    ///   - conversion: A command that writes the text to standard output.
    case format(_ format: String, conversion: String)

    package var description: String {
      switch self {
      case .encoding(let encoding):
        "begins with the byte order mark of \(encoding); expected UTF-8: convert it, for example with "
          + "iconv -f \(encoding) -t UTF-8"
      case .format(let format, let conversion):
        "is \(format); expected text in UTF-8: convert it, for example with \(conversion)"
      }
    }
  }

  private static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]
  /// Those of UTF-32 first: the little-endian one begins like that of UTF-16.
  private static let foreign: [(bytes: [UInt8], encoding: String)] = [
    ([0xFF, 0xFE, 0, 0], "UTF-32"), ([0, 0, 0xFE, 0xFF], "UTF-32"),
    ([0xFF, 0xFE], "UTF-16"), ([0xFE, 0xFF], "UTF-16"),
  ]
  private static let formats: [(bytes: [UInt8], format: String, conversion: String)] = [
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "compressed by xz", "xz -dc FILE"),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd", "zstd -dc FILE"),
    (
      Array("BZh".utf8) + [0x39, 0x31, 0x41, 0x59, 0x26, 0x53], "compressed by bzip2",
      "bzip2 -dc FILE"
    ),
    ([0x50, 0x4B, 3, 4], "a ZIP archive, as .docx and .xlsx files are", "unzip -p FILE NAME"),
    (Array("%PDF-".utf8), "a PDF document", "pdftotext FILE -"),
  ]

  /// How many bytes at the beginning are the mark of UTF-8: 3 or 0.
  ///
  /// - Throws: `NotUTF8` where the mark is that of another encoding, or the bytes begin a file of another kind.
  package static func length(
    in bytes: some Sequence<UInt8>
  ) throws(NotUTF8) -> Int {
    if bytes.starts(with: utf8) { return utf8.count }
    for mark in foreign where bytes.starts(with: mark.bytes) {
      throw .encoding(mark.encoding)
    }
    for known in formats where bytes.starts(with: known.bytes) {
      throw .format(known.format, conversion: known.conversion)
    }
    return 0
  }
}
