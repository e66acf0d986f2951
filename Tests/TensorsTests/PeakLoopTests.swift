import CLockstepKernels
import LockstepTensors
import Testing

/// The loop that the processors' peak is measured with. How fast it is, is not tested.
@Suite struct PeakLoopTests {
  @Test(arguments: 1...CKernels_matrixProductVersions(), [Int64(1), 3, 100])
  func everyRoundComputesTheSameNumberOfOperations(version: Int32, rounds: Int64) {
    var (one, many) = (Float(0), Float(0))
    let operations = CKernels_peakByVersion(version, CKernels_float32, 1, &one)
    // Whole vectors of sixteen, two operations each.
    #expect(operations > 0 && operations % (16 * 2) == 0)
    #expect(CKernels_peakByVersion(version, CKernels_float32, rounds, &many) == rounds * operations)
    // Accumulators begin with 0, 1, 2 … and come nearer to two with each round: none is left out.
    let accumulators = Int(operations / (16 * 2))
    var expected = (0..<accumulators).map(Float.init)
    for _ in 0..<rounds { expected = expected.map { $0 / 2 + 1 } }
    #expect(abs(many - expected.reduce(0, +)) <= 1e-5 * many)
  }

  @Test func theSumOfOneLoopIsTheNextOnesStart() {
    var sum = Float(1_000)
    _ = CKernels_peak(CKernels_float32, 200, &sum)
    let settled = sum
    _ = CKernels_peak(CKernels_float32, 200, &sum)
    #expect(sum == settled && sum > 0)
  }

  @Test func theInstructionsHaveAName() {
    #expect(ProductFormat.float32.instructions.contains("multiply-adds"))
  }
}
