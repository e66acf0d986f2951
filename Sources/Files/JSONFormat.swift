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
