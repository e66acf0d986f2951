import LockstepCommunication
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

@Suite struct FloorTests {
  private func train(
    _ makeTask: @escaping @Sendable () -> any TrainingTask, ranks: Int, leastSeconds: Double
  ) throws -> RunSummary {
    let summaries = try InProcessGroup(size: ranks).run { communicator in
      let trainer = try Trainer(
        task: makeTask(), plan: .regression(steps: 6), communicator: communicator)
      trainer.leastSecondsForFloor = leastSeconds
      let recorder = EventRecorder()
      trainer.attach(recorder)
      _ = try trainer.run()
      guard case .finished(let summary)? = recorder.events.last else { return RunSummary?.none }
      return summary
    }
    #expect(Set(summaries.map { $0?.parametersSHA256 }).count == 1)
    return try #require(summaries[0])
  }

  @Test(arguments: [1, 3])
  func theFloorIsReportedAndChangesNoBit(ranks: Int) throws {
    let short = try train({ LinearRegression() }, ranks: ranks, leastSeconds: .infinity)
    #expect(short.floorFraction == nil && short.sgemmGigaflops == nil)
    let long = try train({ LinearRegression() }, ranks: ranks, leastSeconds: 0)
    #expect(long.parametersSHA256 == short.parametersSHA256)
    let (fraction, gigaflops) = try (
      #require(long.floorFraction), #require(long.sgemmGigaflops)
    )
    // Six steps of micro-batches of 3, 4, 5, 6 and 7 rows, at three products of 3 multiply-adds a row.
    let operations = 6.0 * 25 * 2 * 3 * 3
    #expect(abs(fraction * gigaflops * 1e9 * long.seconds / operations - 1) < 1e-9)
  }

  /// θ in a parameter without a product.
  private final class Amplitude: TrainingTask {
    struct Wave: Module { let amplitude = Parameter([1], initializer: .ones) }
    let wave = Wave()
    var model: any Module { wave }

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      let amplitude = wave.amplitude.tensor
      return BatchLoss(sum: (amplitude * amplitude).sum(), targetCount: 1)
    }
  }

  @Test(arguments: [1, 2]) func aTaskWithoutMatrixProductsHasNoFloor(ranks: Int) throws {
    let summary = try train({ Amplitude() }, ranks: ranks, leastSeconds: 0)
    #expect(summary.floorFraction == nil && summary.sgemmGigaflops == nil)
  }

  @Test(arguments: [1, 2])
  func theSpeedOfAllProductsLiesBetweenTheirs(threads: Int) {
    var products = ForwardProducts()
    products.add(rows: 40, inner: 24, columns: 70, count: 3)
    products.add(rows: 2_000, inner: 16, columns: 5_000)
    let speed = ProductSpeed(of: products, on: ThreadPool(threadCount: threads))
    speed.measure(seconds: 0)
    #expect(speed.timings.count == 6)
    // Larger products are measured in part.
    #expect(
      speed.timings.last?.measured == ProductShape(rows: 512, inner: 16, columns: 4_096))
    let speeds = speed.timings.map { $0.gigaflops(threads: threads) }
    #expect(speeds.allSatisfy { $0 > 0 && $0.isFinite })
    let rounding = 1e-9 * speed.gigaflops
    #expect(speeds.min().map { $0 <= speed.gigaflops + rounding } == true)
    #expect(speeds.max().map { $0 >= speed.gigaflops - rounding } == true)
  }

  @Test func theFractionIsTheShareOfTheTime() {
    let floor = Floor(gigaflops: 50)
    #expect(floor.fraction(operations: 200e9, seconds: 5) == 0.8)
  }
}
