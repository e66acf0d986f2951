import Foundation

/// Prints a result for people, or as one JSON object on a line for programs.
func print(_ result: some Encodable & CustomStringConvertible, asJSON: Bool) throws {
  guard asJSON else { return print(result) }
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  print(String(decoding: try encoder.encode(result), as: UTF8.self))
}
