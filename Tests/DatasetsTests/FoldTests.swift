import LockstepDatasets
import Testing

struct FoldTests {
  /// A table whose only feature is the row's number.
  private func samples(_ count: Int) throws -> SampleSet {
    let text = "x,y\n" + (0..<count).map { "\($0),\($0 % 2)\n" }.joined()
    return try SampleSet(
      table: CSVTable(Array(text.utf8), path: "table.csv"), target: "y", columns: ["x"],
      classes: ["0", "1"])
  }

  private func rows(_ samples: SampleSet) -> [Int] {
    guard case .numbers(let numbers) = samples.features else { return [] }
    return numbers.map { Int($0) }
  }

  @Test(arguments: [(10, 2), (10, 10), (103, 5), (7, 3)])
  func everySampleIsHeldOutOnce(count: Int, folds: Int) throws {
    let samples = try samples(count)
    var seen: [Int] = []
    for fold in 0..<folds {
      let (train, heldOut) = try FoldConfiguration(count: folds, heldOut: fold)
        .split(samples, seed: 7)
      let held = try #require(heldOut)
      #expect(held.count == count * (fold + 1) / folds - count * fold / folds)
      #expect(train.count + held.count == count)
      // In the order of the file, each row with its own class.
      for part in [train, held] {
        #expect(rows(part) == rows(part).sorted())
        guard case .classes(let classes) = part.targets else { continue }
        #expect(classes.map(Int.init) == rows(part).map { $0 % 2 })
      }
      #expect(Set(rows(train)).isDisjoint(with: rows(held)))
      seen += rows(held)
    }
    #expect(seen.sorted() == Array(0..<count))
  }

  @Test func foldsFollowTheSeedAndAreNoBlocks() throws {
    let samples = try samples(100)
    func heldOut(_ seed: UInt64) throws -> [Int] {
      try rows(
        #require(FoldConfiguration(count: 4, heldOut: 1).split(samples, seed: seed).heldOut))
    }
    #expect(try heldOut(1) == heldOut(1))
    #expect(try heldOut(1) != heldOut(2))
    let chosen = try heldOut(1)
    #expect(try #require(chosen.last) - chosen[0] > 50)
  }

  @Test func oneFoldHoldsNothingOut() throws {
    let (train, heldOut) = try FoldConfiguration().split(samples(5), seed: 1)
    #expect(train.count == 5)
    #expect(heldOut == nil)
  }

  @Test func moreFoldsThanSamplesAreRefused() throws {
    let samples = try samples(3)
    #expect(throws: SampleDataError.tooFewSamples(path: "table.csv", count: 3, folds: 4)) {
      try FoldConfiguration(count: 4, heldOut: 0).split(samples, seed: 1)
    }
  }
}
