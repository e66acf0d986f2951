import Foundation
import LockstepTensors
import LockstepTraining
import Testing

/// Which class is taken for which, and what follows from it.
@Suite struct ConfusionMatrixTests {
  private struct Case: Decodable {
    let classes: Int
    let right: [Int32]
    let predicted: [Int]
    let confusion: [[Int]]
    let precision: [Double?]
    let recall: [Double?]
    let f1: [Double?]
    let count: [Int]
    let macroF1: Double
  }

  private static let fixture = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/class-scores.json")

  private func equal(_ found: Double?, _ expected: Double?) -> Bool {
    guard let found, let expected else { return found == nil && expected == nil }
    return abs(found - expected) < 1e-15
  }

  @Test func scoresAreThoseOfScikitLearn() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode([Case].self, from: Data(contentsOf: Self.fixture))
    #expect(cases.count == 5)
    for expected in cases {
      var matrix = ConfusionMatrix(classes: (0..<expected.classes).map(String.init))
      // Of equal scores the lower class counts.
      let scores = expected.predicted.flatMap { predicted in
        (0..<expected.classes).map { $0 >= predicted ? Float(2) : Float($0) / 100 }
      }
      matrix.add(
        Tensor(scores, shape: [expected.right.count, expected.classes], in: Workspace()),
        targets: expected.right)
      #expect(matrix.rows == expected.confusion)
      for (found, place) in zip(matrix.scores, 0...) {
        #expect(equal(found.precision, expected.precision[place]))
        #expect(equal(found.recall, expected.recall[place]))
        #expect(equal(found.f1, expected.f1[place]))
        #expect(found.count == expected.count[place])
      }
      #expect(equal(matrix.macroF1, expected.macroF1))
    }
  }

  @Test func aMatrixFitsItsLines() {
    var matrix = ConfusionMatrix(classes: ["a", "b", "a class of a very long name indeed"])
    matrix.add(
      Tensor([1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1], shape: [4, 3], in: Workspace()),
      targets: [0, 1, 2, 2])
    let wide = matrix.lines(columns: 100)
    #expect(
      wide.contains { $0.hasPrefix("right \\ predicted") && $0.contains("a class of a very") })
    let numbered = matrix.lines(columns: 50)
    #expect(numbered.contains { $0.hasPrefix("right \\ predicted") && $0.hasSuffix("1  2  3") })
    #expect(numbered.last == "3 a class of a very long…  .  1  1")
    let narrow = matrix.lines(columns: 20)
    #expect(narrow.contains { $0.hasPrefix("a class of a very long…") && $0.hasSuffix("b      1") })
  }

  /// A square of 100,000 classes would have 80 GB.
  @Test func ofManyClassesOnlyWhatOccursTakesMemory() {
    let count = 100_000
    var matrix = ConfusionMatrix(classes: (0..<count).map(String.init))
    var scores = [Float](repeating: 0, count: 4 * count)
    for (row, predicted) in [7, 99_999, 99_999, 5].enumerated() {
      scores[row * count + predicted] = 1
    }
    matrix.add(
      Tensor(scores, shape: [4, count], in: Workspace()), targets: [7, 99_999, 3, 3])
    #expect(
      matrix.count(right: 3, predicted: 99_999) == 1 && matrix.count(right: 3, predicted: 4) == 0)
    let found = matrix.scores
    #expect(found[3].count == 2 && found[3].recall == 0 && found[3].precision == nil)
    #expect(found[99_999].precision == 0.5 && found[99_999].recall == 1)
    let lines = matrix.lines(columns: 100)
    #expect(
      lines.suffix(3).map { $0.split(separator: " ").map(String.init) } == [
        ["most", "frequently,", "of", "class", "taken", "for", "count"], ["3", "5", "1"],
        ["3", "99999", "1"],
      ])
  }
}
