import Foundation

/// Prints a result for people, or as one JSON object on a line for programs.
func print(_ result: some Encodable & CustomStringConvertible, asJSON: Bool) throws {
  guard asJSON else { return print(result) }
  try printJSON(result)
}

/// Prints a result as one JSON object on a line.
func printJSON(_ result: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  FileHandle.standardOutput.write(try encoder.encode(result) + Data("\n".utf8))
}
