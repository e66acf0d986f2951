import Foundation
import LockstepSupervision
import LockstepTraining
import Testing

/// What a keeper tells of its host.
@Suite struct LifelineTests {
  /// A lifeline to what a shell prints, read to its end.
  private func lifeline(printing text: String, by shell: String = "sh") throws -> Lifeline {
    let lifeline = try Lifeline(
      to: "host", command: [shell, "-c", "printf '\(text)'"], patience: 60)
    while lifeline.tend() != .lost {
      DescriptorBytes.wait(for: [lifeline.reading], seconds: 10)
    }
    return lifeline
  }

  /// Whatever the supervisor waits for meanwhile.
  @Test func aKeeperHearsBeatsThoughNobodyTendsItsLifeline() throws {
    let heard = ShardSummary(
      attempt: 5, step: 4, rank: 0, rankCount: 1, parameters: 0..<10, parameterCount: 10)
    // It says so when it has heard three, and ends.
    let lifeline = try Lifeline(
      to: "host",
      command: [
        "sh", "-c", "head -c 3 > /dev/null; printf '\\004%s\\005' \"$0\"",
        ShardSummary.text(of: [heard]),
      ], patience: 60)
    DescriptorBytes.wait(for: [lifeline.reading], seconds: 15)
    while lifeline.tend() != .lost {
      DescriptorBytes.wait(for: [lifeline.reading], seconds: 10)
    }
    #expect(lifeline.snapshots == [heard])
  }

  @Test func theSnapshotsOfAHostAreKnownOnceAllOfThemWereTold() throws {
    let first = ShardSummary(
      attempt: 5, step: 4, rank: 0, rankCount: 2, parameters: 0..<10, parameterCount: 10)
    let copy = ShardSummary(
      attempt: 5, step: 4, rank: 1, rankCount: 2, parameters: 0..<0, parameterCount: 10)
    let text = ShardSummary.text(of: [first, copy])
    // A beat before and after it.
    #expect(try lifeline(printing: "\\001\\004\(text)\\005\\001").snapshots == [first, copy])
    // The newer message counts, if it is whole.
    #expect(try lifeline(printing: "\\004\(text)\\005\\004\\005").snapshots.isEmpty)
    #expect(try lifeline(printing: "\\004\(text)\\005\\0045 8").snapshots == [first, copy])
    #expect(try lifeline(printing: "\\004nonsense\\005\\001").snapshots.isEmpty)
  }

  /// As the path of an agent may have it.
  @Test func aHostIsReachedByAProgramWithAnEqualsSignInItsPath() throws {
    let link = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-shell=\(UUID().uuidString)").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/bin/sh")
    defer { try? FileManager.default.removeItem(atPath: link) }
    let heard = ShardSummary(
      attempt: 5, step: 4, rank: 0, rankCount: 1, parameters: 0..<10, parameterCount: 10)
    let text = ShardSummary.text(of: [heard])
    #expect(try lifeline(printing: "\\004\(text)\\005", by: link).snapshots == [heard])
  }
}
