import Foundation

/// How Lockstep writes and reads JSON, in all of its files and outputs.
///
/// JSON has no word for numbers that are not finite. They are the texts `"NaN"`, `"Infinity"` and
/// `"-Infinity"`: unlike `null` they say what was measured, and `float()` of Python and `Number()` of
/// JavaScript read them.
package enum JSONFormat {
  private static let (notANumber, infinity) = ("NaN", "Infinity")
  private static var negativeInfinity: String { "-" + infinity }

  /// Writes keys in alphabetical order, slashes as they are.
  ///
  /// - Parameter isIndented: One member a line, for files that people compare. Default: false, all on
  ///   one line.
  package static func encoder(isIndented: Bool = false) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: infinity, negativeInfinity: negativeInfinity, nan: notANumber)
    return encoder
  }

  /// Reads what `encoder` writes.
  package static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: infinity, negativeInfinity: negativeInfinity, nan: notANumber)
    return decoder
  }

  /// Decodes what another program or a person wrote.
  ///
  /// Of two members of one name Foundation takes the first and Python the last, so that one file would be
  /// two things: such a file is refused here. All that does not come from Lockstep goes through this, or
  /// through `JSONReader` itself.
  ///
  /// - Parameter foreign: JSON in UTF-8; a byte order mark may stand in front.
  /// - Throws: `JSONReader.Failure` where it is no such text, or an object has a key twice; `DecodingError`
  ///   where it is JSON of another structure.
  package static func decode<Value: Decodable>(
    _ type: Value.Type = Value.self, foreign: some Sequence<UInt8>
  ) throws -> Value {
    var bytes = Array(foreign)
    do throws(ByteOrderMark.NotUTF8) {
      bytes.removeFirst(try ByteOrderMark.length(in: bytes))
    } catch {
      throw JSONReader.Failure(offset: 0, reason: "\(error)")
    }
    _ = try JSONReader.value(of: bytes)
    return try JSONDecoder().decode(type, from: Data(bytes))
  }

  /// A number as JSON, with as many digits as it takes to read the same value back.
  package static func text(of value: Double) -> String {
    value.isFinite ? "\(value)" : "\"\(word(for: value))\""
  }

  /// The number that a text stands for; nil where it is none of the three.
  package static func number(_ text: String) -> Double? {
    switch text {
    case notANumber: .nan
    case infinity: .infinity
    case negativeInfinity: -.infinity
    default: nil
    }
  }

  private static func word(for value: Double) -> String {
    value.isNaN ? notANumber : value > 0 ? infinity : negativeInfinity
  }
}
