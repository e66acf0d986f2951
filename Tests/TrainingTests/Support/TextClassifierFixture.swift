import Foundation
import TestSupport

/// scripts/fixtures/text_classifiers.py.
struct TextClassifierFixture: Decodable {
  let texts: [String]
  let classes: [String]
  let tokens: [[Int32]]
  /// By directory, of each text.
  let logits: [String: [[Float]]]
  /// By way of pooling, of each text.
  let vectors: [String: [[Float]]]

  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/TextClassifiers")

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  static func read() throws -> TextClassifierFixture {
    try JSONDecoder().decode(
      Self.self, from: Data(contentsOf: folder.appending(path: "expected.json")))
  }

  /// The texts as lines of bytes.
  var lines: [[UInt8]] { texts.map { Array($0.utf8) } }
}
