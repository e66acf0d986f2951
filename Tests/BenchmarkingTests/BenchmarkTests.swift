import Foundation
import LockstepBenchmarking
import LockstepCommunication
import LockstepTraining
import Testing

/// What the benchmarks report is whole and consistent; how fast it is, is not tested.
@Suite(.serialized) struct BenchmarkTests {
  private func tiny(ranks: Int) throws -> BenchmarkCase {
    try #require(BenchmarkCase(named: "tiny", ranks: ranks))
  }

  /// Multiply-adds of a forward pass for a token of `tiny`, in whole sequences of 64: 12 D² a layer,
  /// the head, and attention's two products over 32.5 positions on average.
  private static let multiplyAddsPerToken = 4 * 12 * 128 * 128 + 128 * 65 + 4 * 2 * 65 * 64

  @Test(arguments: [1, 2])
  func trainingAddsUp(ranks: Int) throws {
    let benchmark = try tiny(ranks: ranks)
    let results = try InProcessGroup(size: ranks).run { communicator in
      try TrainingBenchmark(benchmark, steps: 2, communicator: communicator)
    }
    for result in results {
      let tokens = ranks * 12 * 64
      #expect(result.ranks == ranks && result.steps == 2 && result.tokensPerStep == tokens)
      #expect(result.flopPerStep == Double(6 * Self.multiplyAddsPerToken * tokens))
      let flopPerSecond = result.flopPerStep / result.secondsPerStep
      #expect(abs(result.gflops * 1e9 / flopPerSecond - 1) < 1e-9)
      #expect(abs(result.peakShare * result.peakGflops / result.gflops - 1) < 1e-9)
      #expect(0 < result.peakShare && result.peakShare <= 1)
      #expect(abs(result.tokensPerSecond * result.secondsPerStep / Double(tokens) - 1) < 1e-9)
      let phases = [
        result.forwardSeconds, result.backwardSeconds, result.reductionSeconds,
        result.optimizerSeconds,
      ]
      #expect(phases.allSatisfy { $0 > 0 })
      if ranks == 1 { #expect(phases.reduce(0, +) <= result.secondsPerStep) }
      // Parameters, gradients and moments alone.
      #expect(result.peakResidentBytes > 4 * 4 * result.parameters)
      #expect(result.proportionalBytes > 4 * 4 * result.parameters)
    }
  }

  @Test func trainingIsJSON() throws {
    let result = try TrainingBenchmark(
      tiny(ranks: 1), steps: 1, communicator: SoloCommunicator())
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result))
    let share = try #require((object as? [String: Any])?["peakShare"] as? Double)
    #expect(abs(share - result.peakShare) < 1e-12)
    #expect(result.description.contains("% of what the processors can do"))
  }

  @Test func theReductionIsTimedForEverySize() throws {
    let results = try InProcessGroup(size: 2).run { communicator in
      var lines: [String] = []
      let result = try ReductionBenchmark(communicator: communicator, largest: 20_003) {
        lines.append($0)
      }
      return (result, lines)
    }
    for (result, lines) in results {
      #expect(result.ranks == 2)
      #expect(result.sizes.map(\.bytes) == [1024, 4096, 16_384, 20_000])
      #expect(result.sizes.allSatisfy { $0.canonicalSeconds > 0 && $0.allreduceSeconds > 0 })
      #expect(lines.count == 6)
      #expect(lines.joined(separator: "\n") == result.description)
      #expect(lines[5].hasPrefix("19.5 KiB"))
      #expect(Set(lines.dropFirst().map(\.count)).count == 1, "columns of one width: \(lines)")
    }
  }

  @Test func aReductionNeedsRanks() throws {
    let error = try #require(throws: AgreedError.self) {
      try ReductionBenchmark(communicator: SoloCommunicator())
    }
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("mpirun -np 2 lockstep benchmark reduction"))
  }

  private func expect(_ whole: Double, liesBetween parts: [Double]) {
    let rounding = 1e-9 * whole
    #expect(parts.min().map { 0 < $0 && $0 <= whole + rounding } == true)
    #expect(parts.max().map { $0.isFinite && $0 >= whole - rounding } == true)
  }

  @Test func kernelsAreMeasuredWithEachNumberOfThreads() throws {
    let result = try KernelBenchmark(
      tiny(ranks: 1), communicator: SoloCommunicator(), seconds: 0.001, elementCount: 1 << 18)
    #expect(result.runs.first?.threads == 1)
    for run in result.runs {
      let products = run.products
      #expect(products.threads == run.threads)
      // Five shapes, three passes.
      #expect(products.shapes.count == 15)
      // Whichever library is the faster here, a step's speed lies between its products' speeds.
      expect(products.float32.gflops, liesBetween: products.shapes.map(\.float32.gflops))
      expect(products.bfloat16.gflops, liesBetween: products.shapes.map(\.bfloat16.gflops))
      expect(
        try #require(products.openBLASGflops),
        liesBetween: products.shapes.compactMap(\.openBLASGflops))
      for (step, speeds) in [
        (products.float32, products.shapes.map(\.float32)),
        (products.bfloat16, products.shapes.map(\.bfloat16)),
      ] {
        #expect(0 < step.peakShare && step.peakShare <= 1)
        for speed in speeds {
          #expect(0 < speed.peakShare && speed.peakShare <= 1)
          #expect(abs(speed.peakShare * step.peakGflops / speed.gflops - 1) < 1e-9)
        }
      }
      let memory = try #require(run.memory)
      #expect(memory.kernels.count == 17)
      for kernel in memory.kernels {
        #expect(kernel.gigabytes > 0 && kernel.gigabytes.isFinite, "\(kernel.name)")
        let bandwidth = memory.bandwidthGigabytes
        #expect(bandwidth >= max(memory.copyGigabytes, memory.updateGigabytes))
        #expect(abs(kernel.bandwidthFraction * bandwidth / kernel.gigabytes - 1) < 1e-9)
        #expect(kernel.bandwidthFraction <= 1)
      }
    }
  }

  @Test func productsCanBeMeasuredAlone() throws {
    let result = try KernelBenchmark(
      tiny(ranks: 1), communicator: SoloCommunicator(), seconds: 0.001, productsOnly: true)
    #expect(result.runs.allSatisfy { $0.memory == nil && $0.products.openBLASGflops == nil })
    #expect(result.runs.allSatisfy { $0.products.shapes.count == 15 })
    #expect(!result.description.contains("layer norm"))
  }

  @Test func kernelsAreForOneProcess() throws {
    let benchmark = try tiny(ranks: 2)
    let codes = try InProcessGroup(size: 2).run { communicator in
      #expect(throws: AgreedError.self) {
        try KernelBenchmark(benchmark, communicator: communicator, elementCount: 1 << 16)
      }?.exitCode
    }
    #expect(codes == [.usage, .usage])
  }
}
