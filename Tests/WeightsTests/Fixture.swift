import Foundation

/// What scripts/fixtures/weights.py made.
enum Fixture {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Weights").path

  static func path(_ name: String) -> String { folder + "/" + name }
}
