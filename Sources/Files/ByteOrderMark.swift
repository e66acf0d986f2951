/// The mark that some programs put in front of a text to tell its encoding (Unicode 16.0, 23.8).
///
/// In front of UTF-8 it says nothing and is no part of the text. In front of anything else it says that
/// the text is not UTF-8, which would otherwise be read as such.
package enum ByteOrderMark {
  /// A text begins with the mark of an encoding other than UTF-8.
  package struct ForeignEncoding: Error, Equatable, CustomStringConvertible {
    /// As `iconv` calls it.
    package let encoding: String

    package var description: String {
      "begins with the byte order mark of \(encoding); expected UTF-8: convert it, for example with "
        + "iconv -f \(encoding) -t UTF-8"
    }
  }

  private static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]
  /// Those of UTF-32 first: the little-endian one begins like that of UTF-16.
  private static let foreign: [(bytes: [UInt8], encoding: String)] = [
    ([0xFF, 0xFE, 0, 0], "UTF-32"), ([0, 0, 0xFE, 0xFF], "UTF-32"),
    ([0xFF, 0xFE], "UTF-16"), ([0xFE, 0xFF], "UTF-16"),
  ]

  /// How many bytes at the beginning are the mark of UTF-8: 3 or 0.
  ///
  /// - Throws: `ForeignEncoding` where the mark is that of another encoding.
  package static func length(
    in bytes: some Sequence<UInt8>
  ) throws(ForeignEncoding) -> Int {
    if bytes.starts(with: utf8) { return utf8.count }
    for mark in foreign where bytes.starts(with: mark.bytes) {
      throw ForeignEncoding(encoding: mark.encoding)
    }
    return 0
  }
}
