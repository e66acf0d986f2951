import Foundation
import LockstepTensors
import LockstepTraining
import Testing

@Suite struct MetricTests {
  private func value(_ metric: Metric, _ sums: [Double], loss: Double = 0, count: Int) -> Double? {
    metric.value(MeanLoss(sum: loss, targetCount: count), sums)
  }

  @Test func targetsAmongTheHighestAreCounted() {
    let scores = Tensor(
      [
        0.1, 0.9, 0.3,
        0.5, 0.2, 0.4,
        0.7, 0.7, 0.7,
        .nan, 0.1, 0.2,
      ], shape: [4, 3], in: Workspace())
    func count(_ k: Int, _ targets: [Int32]) -> Int {
      scores.countOfTargets(amongHighest: k, targets: targets)
    }
    #expect(count(1, [1, 0, 0, 2]) == 4)
    #expect(count(1, [2, 2, 1, 0]) == 0)
    #expect(count(2, [2, 2, 1, 0]) == 3)
    #expect(count(3, [0, 1, 2, 1]) == 4)
    #expect(count(3, [-1, 1, 2, -1]) == 2)
  }

  @Test func accuraciesAreShares() {
    #expect(value(.accuracy, [3], count: 4) == 0.75)
    #expect(value(.topAccuracy(5), [1], count: 4) == 0.25)
    #expect(Metric.topAccuracy(5).key == "top_5_accuracy")
  }

  @Test func perplexityAndBitsPerByteFollowFromTheLoss() throws {
    #expect(value(.perplexity, [], loss: 8 * log(3), count: 8).map { abs($0 - 3) < 1e-12 } == true)
    // Ten bytes at four bits each.
    let bits = try #require(value(.bitsPerByte, [10], loss: 40 * log(2), count: 3))
    #expect(abs(bits - 4) < 1e-12)
    #expect(value(.bitsPerByte, [0], loss: 1, count: 3) == nil)
  }

  @Test(arguments: [0.0, 100, -3]) func determinationIsOneLessTheShareUnexplained(centre: Double)
    throws
  {
    // scikit-learn's example: r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]) = 0.9486…
    let sums = Metric.determinationSums(
      predictions: [2.5, 0, 2, 8], values: [3, -0.5, 2, 7], centre: centre)
    let r2 = try #require(value(.determination, sums, count: 4))
    #expect(abs(r2 - 0.948_608_137) < 1e-9)
    let equal = Metric.determinationSums(predictions: [1, 2], values: [5, 5], centre: 5)
    #expect(value(.determination, equal, count: 2) == nil)
  }
}
