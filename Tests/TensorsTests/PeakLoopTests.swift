import CLockstepKernels
import LockstepTensors
import Testing

/// The loops that the processors' peak is measured with. How fast they are, is not tested.
@Suite struct PeakLoopTests {
  @Test(arguments: 1...CKernels_matrixProductVersions(CKernels_float32), [Int64(1), 3, 100])
  func everyRoundOfMultiplyAddsComputesTheSameNumberOfOperations(version: Int32, rounds: Int64) {
    var (one, many) = (Float(0), Float(0))
    let operations = CKernels_peakByVersion(version, 1, &one)
    // Whole vectors of sixteen, two operations each.
    #expect(operations > 0 && operations % (16 * 2) == 0)
    #expect(CKernels_peakByVersion(version, rounds, &many) == rounds * operations)
    // Accumulators begin with 0, 1, 2 … and come nearer to two with each round: none is left out.
    let accumulators = Int(operations / (16 * 2))
    var expected = (0..<accumulators).map(Float.init)
    for _ in 0..<rounds { expected = expected.map { $0 / 2 + 1 } }
    #expect(abs(many - expected.reduce(0, +)) <= 1e-5 * many)
  }

  @Test(.enabled(if: CKernels_matrixProductVersions(CKernels_bfloat16) == 4))
  func fourTilesAreMultipliedInARoundAndChangeNoSum() {
    var sum = Float(3)
    // Sixteen by sixteen sums of 32 products.
    #expect(CKernels_peakByVersion(4, 5, &sum) == 5 * 4 * 16 * 16 * 32 * 2)
    #expect(sum == 3)
  }

  @Test(arguments: [ProductFormat.float32, .bfloat16])
  func theSumOfOneLoopIsTheNextOnesStart(format: ProductFormat) {
    var sum = Float(1_000)
    let operations = CKernels_peak(format.kernelFormat, 200, &sum)
    let settled = sum
    #expect(CKernels_peak(format.kernelFormat, 200, &sum) == operations)
    #expect(sum == settled && sum > 0)
  }
}
