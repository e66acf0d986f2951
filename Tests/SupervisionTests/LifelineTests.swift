import LockstepSupervision
import LockstepTraining
import Testing

/// What a keeper tells of its host.
@Suite struct LifelineTests {
  /// A lifeline to what a shell prints, read to its end.
  private func lifeline(printing text: String) throws -> Lifeline {
    let lifeline = try Lifeline(
      to: "host", command: ["sh", "-c", "printf '\(text)'"], patience: 60)
    while lifeline.tend() != .lost {
      DescriptorBytes.wait(for: [lifeline.reading], seconds: 10)
    }
    return lifeline
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
}
