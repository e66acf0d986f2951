import Foundation
import Testing

/// The files that scripts/fixtures/tokenizer_fixtures.py made.
enum Fixture {
  static func path(_ name: String) throws -> String {
    let folder = try #require(Bundle.module.resourceURL)
    return folder.appendingPathComponent("Fixtures/" + name).path
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  static func decode<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(bytes(name)))
  }
}

/// A text and what the `tokenizers` library encodes it to.
struct EncodedText: Decodable {
  var text: String
  var ids: [Int32]
}

/// The bytes of a file.
func readAll(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}
