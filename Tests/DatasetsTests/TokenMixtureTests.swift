import LockstepDatasets
import TestSupport
import Testing

struct TokenMixtureTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func file(_ name: String, count: Int) throws -> TokenFile {
    let path = directory.path + "/\(name).bin"
    let writer = try TokenFileWriter(path: path, vocabularyCount: max(1, count))
    try writer.append((0..<count).map { Int32($0) })
    try writer.finish()
    return try TokenFile(path: path)
  }

  private func mixture(_ weights: [Double], seed: UInt64 = 3) throws -> TokenMixture {
    try TokenMixture(
      weights.enumerated().map {
        (file: try file("file-\($0)", count: 1000 + 100 * $0), weight: $1)
      }, context: 10, seed: seed)
  }

  @Test(arguments: [[1], [1, 1], [0.7, 0.2, 0.1], [5, 1000, 3, 1], [1e-3, 1]])
  func everyFileHasItsShareAndIsWalkedInItsOwnOrder(weights: [Double]) throws {
    let mixture = try mixture(weights)
    let total = weights.reduce(0, +)
    var counts = [Int](repeating: 0, count: weights.count)
    for index in 0..<5000 {
      let (part, number) = mixture.place(ofSample: index)
      #expect(number == counts[part])
      counts[part] += 1
      let window = mixture.window(ofSample: index)
      #expect(window.file === mixture.parts[part].file)
      #expect(window.start == mixture.parts[part].sampler.start(ofSample: number))
      // Never a block of 64 away from the share.
      let expected = Double(index + 1) * weights[part] / total
      #expect(abs(Double(counts[part]) - expected) < 64)
    }
    for (count, weight) in zip(counts, weights) {
      #expect(abs(Double(count) - 5000 * weight / total) < 3 + 16)
    }
  }

  @Test func placesFarAheadAreThoseOfAWalk() throws {
    let mixture = try mixture([0.3, 0.5, 0.2])
    let start = 1_000_000_000 * 64
    let before = (0..<3).map { part in
      (start..<start + 64).lazy.map { mixture.place(ofSample: $0) }.first { $0.part == part }
    }
    for (part, share) in [0.3, 0.5, 0.2].enumerated() {
      let number = try #require(before[part]).number
      #expect(abs(Double(number) - share * Double(start)) < 4)
    }
  }

  @Test func theOrderOfTheFilesFollowsTheSeed() throws {
    func order(_ seed: UInt64) throws -> [Int] {
      let mixture = try mixture([1, 1], seed: seed)
      return (0..<256).map { mixture.place(ofSample: $0).part }
    }
    #expect(try order(1) == order(1))
    #expect(try order(1) != order(2))
    // Files do not simply take turns, and blocks differ.
    let first = try order(1)
    #expect(zip(first, first.dropFirst()).count { $0 == $1 } > 64)
    #expect(first[..<64] != first[64..<128])
  }

  @Test func aSingleFileIsReadAsAlways() throws {
    let file = try file("alone", count: 1000)
    let mixture = try TokenMixture([(file: file, weight: 3)], context: 10, seed: 9)
    let sampler = try WindowSampler(tokenCount: 1000, context: 10, seed: 9)
    for index in 0..<300 {
      #expect(mixture.window(ofSample: index).start == sampler.start(ofSample: index))
    }
  }

  @Test func aFileTooShortForAWindowIsNamed() throws {
    let (long, short) = (try file("long", count: 100), try file("short", count: 10))
    #expect(throws: TokenFileError.tooShort(path: short.path, tokenCount: 10, context: 10)) {
      try TokenMixture([(file: long, weight: 1), (file: short, weight: 1)], context: 10, seed: 0)
    }
  }

  @Test func aFileThatGrewLeavesTheWalkThroughTheOthersAsItWas() throws {
    func mixture(_ secondCount: Int) throws -> TokenMixture {
      try TokenMixture(
        [
          (file: try file("first", count: 900), weight: 2),
          (file: try file("second-\(secondCount)", count: secondCount), weight: 1),
        ], context: 10, seed: 5)
    }
    let (before, after) = (try mixture(1000), try mixture(1500))
    for index in 0..<3000 {
      let (old, new) = (before.window(ofSample: index), after.window(ofSample: index))
      #expect(old.file.path == new.file.path || old.file.path.contains("second"))
      if old.file.path.contains("first") { #expect(old.start == new.start) }
    }
  }
}
