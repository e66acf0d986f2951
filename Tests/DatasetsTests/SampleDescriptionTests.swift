import Foundation
import LockstepDatasets
import LockstepSettings
import Testing

/// `samples.json` as any program may have left it.
@Suite struct SampleDescriptionTests {
  private static let table: [String: any Sendable] = [
    "sample_shape": [2], "columns": ["a", "b"], "target": "y", "means": [1, 2],
    "deviations": [1.5, 2], "target_mean": 0.5,
  ]
  private static let images: [String: any Sendable] = [
    "sample_shape": [8, 8], "classes": ["0", "1"], "means": [3], "deviations": [4],
    "target_mean": 0,
  ]

  private func read(_ members: [String: any Sendable]) throws -> SampleDescription {
    try SampleDescription(
      description: JSONSerialization.data(withJSONObject: members), path: "samples.json")
  }

  private func problems(_ members: [String: any Sendable]) throws -> [String] {
    do {
      _ = try read(members)
      return []
    } catch let error as DescriptionError {
      return error.problems
    }
  }

  @Test func whatLockstepWritesIsRead() throws {
    for members in [Self.table, Self.images] {
      let description = try read(members)
      let written = try JSONEncoder().encode(description)
      #expect(try SampleDescription(description: written, path: "again.json") == description)
    }
  }

  static let impossible: [(Bool, String, any Sendable)] = [
    (true, "means", [1]), (true, "means", [1, "2"] as [any Sendable]), (true, "deviations", [1]),
    (true, "deviations", [1, 0]), (true, "deviations", [1, -2]), (true, "sample_shape", [3]),
    (true, "sample_shape", [2, 1]), (true, "sample_shape", [] as [Int]),
    (true, "sample_shape", [1 << 62]),
    (true, "sample_shape", [1.5]), (true, "columns", ["a"]), (true, "columns", ["a", "a"]),
    (true, "target", NSNull()), (true, "target", "a"), (true, "target_mean", "1"),
    (false, "sample_shape", [8]), (false, "sample_shape", [8, -8]),
    (false, "sample_shape", [1 << 24, 1 << 24]), (false, "sample_shape", [8, 8, 1]),
    (false, "means", [1, 2]), (false, "means", [] as [Int]), (false, "deviations", [true]),
    (false, "classes", NSNull()), (false, "classes", [] as [Int]), (false, "classes", ["0", "0"]),
    (false, "target", "y"),
  ]

  @Test(arguments: impossible)
  func whatDescribesNoSamplesIsRefused(isTable: Bool, key: String, value: any Sendable) throws {
    var members = isTable ? Self.table : Self.images
    members[key] = value
    #expect(try problems(members) != [])
  }

  @Test(arguments: ["sample_shape", "means", "deviations", "target_mean", "target"])
  func whatIsMissingIsRefusedByName(key: String) throws {
    var members = Self.table
    members[key] = nil
    let found = try problems(members)
    #expect(found.contains { $0.hasPrefix(key) }, "\(found)")
  }
}
