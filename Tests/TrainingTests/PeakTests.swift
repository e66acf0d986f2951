import LockstepCommunication
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

@Suite struct PeakTests {
  private func train(
    _ makeTask: @escaping @Sendable () -> any TrainingTask, ranks: Int, leastSeconds: Double
  ) throws -> RunSummary {
    let summaries = try InProcessGroup(size: ranks).run { communicator in
      let trainer = try Trainer(
        task: makeTask(), plan: .regression(steps: 6), communicator: communicator, observers: [])
      trainer.leastSecondsForPeak = leastSeconds
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
  func thePeakIsReportedAndChangesNoBit(ranks: Int) throws {
    let short = try train({ LinearRegression() }, ranks: ranks, leastSeconds: .infinity)
    #expect(short.peakShare == nil && short.peakGigaflops == nil)
    let long = try train({ LinearRegression() }, ranks: ranks, leastSeconds: 0)
    #expect(long.parametersSHA256 == short.parametersSHA256)
    let (share, peak) = try (#require(long.peakShare), #require(long.peakGigaflops))
    #expect(0 < share && share <= 1)
    // Six steps of micro-batches of 3, 4, 5, 6 and 7 rows, at two products of 3 multiply-adds a row: the
    // data needs no gradient.
    let operations = 6.0 * 25 * 2 * 3 * 2
    #expect(abs(share * peak * 1e9 * long.seconds / operations - 1) < 1e-9)
    #expect(long.gigaflops.map { abs($0 / (share * peak) - 1) < 1e-9 } == true)
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

  @Test(arguments: [1, 2]) func aTaskWithoutMatrixProductsHasNoShareOfThePeak(ranks: Int) throws {
    let summary = try train({ Amplitude() }, ranks: ranks, leastSeconds: 0)
    #expect(summary.peakShare == nil && summary.gigaflops == nil)
  }

  @Test func thePeakIsWhatAllRanksComeToTogether() throws {
    let peaks = try InProcessGroup(size: 3).run { communicator in
      try Peak.measure(
        of: .float32, threads: ThreadPool(threadCount: 2), communicator: communicator)
    }
    for peak in peaks {
      #expect(peak.ofRanks.count == 3 && peak.ofRanks == peaks[0].ofRanks)
      #expect(peak.ofRanks.allSatisfy { $0 > 0 && $0.isFinite })
      #expect(peak.gigaflops == peak.ofRanks.reduce(0, +) && !peak.isExceeded)
    }
  }

  @Test func nothingIsAboveThePeakAndThatIsSaid() throws {
    let below = AchievedSpeed(gigaflops: 4, peak: Peak(ofRanks: [2, 3]))
    #expect(below.peakShare == 0.8 && below.notice == nil)
    let above = AchievedSpeed(gigaflops: 8, peak: Peak(ofRanks: [2, 3]))
    #expect(above.peakShare == 1 && above.peak.gigaflops == 8 && above.peak.measured == 5)
    let notice = try #require(above.notice)
    #expect(notice.contains("8 GFLOP/s") && notice.contains("5:"))
  }

  @Test func theHigherOfTwoPeaksKeepsWhatWasSeen() {
    var low = Peak(ofRanks: [2, 3])
    low.include(7)
    let high = Peak(ofRanks: [3, 3])
    for peak in [Peak.highest(of: low, high), .highest(of: high, low)] {
      #expect(peak.measured == 6 && peak.gigaflops == 7 && peak.isExceeded)
    }
  }

  /// A speed that no processor has: the run's own counts, after some more tries.
  @Test func whatIsFasterThanEveryMeasurementCounts() throws {
    let peak = try Peak.measure(
      of: .float32, threads: ThreadPool(threadCount: 1), communicator: SoloCommunicator(),
      atLeast: 1e12)
    #expect(peak.gigaflops == 1e12 && peak.measured < 1e12 && peak.share(of: 1e12) == 1)
  }
}
