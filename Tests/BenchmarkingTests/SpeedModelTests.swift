import Foundation
import LockstepBenchmarking
import LockstepOptimization
import LockstepTraining
import Testing

/// The prediction follows from what was measured by the formula of docs/launching.md.
@Suite struct SpeedModelTests {
  /// 16 blocks of the flat buffer.
  private static let parameters = 1 << 20
  /// A tenth of a second of forward, two of backward, 40 ms to update everything.
  private static let alone = HostCosts(
    ranks: 1, forwardSeconds: 0.1, backwardSeconds: 0.2, optimizerSeconds: 0.04, restSeconds: 0.01)
  /// Gradients become final evenly.
  private static let even = GradientTimeline(
    points: (1...16).map { .init(first: parameters - $0 << 16, share: Double($0) / 16) })
  /// All of them at the end.
  private static let late = GradientTimeline(points: [.init(first: 0, share: 1)])

  /// - Parameter seconds: That 4 bytes of all parameters take on the link.
  private func model(
    microbatches: Int, seconds: Double = 1, roundTrip: Double = 0,
    timeline: GradientTimeline = late, reduction: ReductionMethod = .canonical,
    synchronize: SynchronizationConfiguration = .init(), costs: [HostCosts] = [alone]
  ) -> SpeedModel {
    SpeedModel(
      microbatches: microbatches, tokensPerMicrobatch: 100, parameters: Self.parameters,
      reduction: reduction, synchronize: synchronize, costs: costs,
      link: .init(
        bytesPerSecond: 4 * Double(Self.parameters) / seconds, roundTripSeconds: roundTrip,
        timeline: timeline))
  }

  private func hosts(_ count: Int, ranks: Int = 1) -> [Range<Int>] {
    (0..<count).map { $0 * ranks..<($0 + 1) * ranks }
  }

  private func expect(_ value: Double, _ expected: Double) {
    #expect(abs(value - expected) < 1e-9, "\(value) instead of \(expected)")
  }

  @Test func oneRankComputesAllMicrobatches() {
    let step = model(microbatches: 5).step(on: hosts(1))
    expect(step.seconds, 5 * 0.3 + 0.04 + 0.01)
    expect(step.tokensPerSecond, 500 / 1.55)
    #expect(step.networkSeconds == 0)
  }

  @Test(arguments: [(2, 3), (3, 2), (4, 2), (5, 1)])
  func theRankWithTheMostMicrobatchesDecides(ranks: Int, most: Int) {
    let four = HostCosts(
      ranks: 4, forwardSeconds: 0.2, backwardSeconds: 0.3, optimizerSeconds: 0.01,
      restSeconds: 0.02)
    let model = model(microbatches: 5, costs: [Self.alone, four])
    let step = model.step(on: [0..<ranks])
    // With 2 or 3 ranks what one takes alone is the nearest that was measured.
    expect(step.computeSeconds, Double(most) * (ranks < 4 ? 0.3 : 0.5))
    let blocks = Double((16 + ranks - 1) / ranks)
    expect(step.optimizerSeconds, ranks < 4 ? 0.04 * blocks / 16 : 0.01 * blocks / 4)
  }

  @Test func whatBackwardHidesIsNotWaitedFor() {
    // Half of the gradients and of the parameters cross: half a second each.
    let hidden = model(microbatches: 2, timeline: Self.even).step(on: hosts(2))
    // The last of 16 blocks is the second host's: the first one waits for the last but one. A forward pass
    // hides as much of the parameters' way as it takes.
    expect(hidden.networkSeconds, (2 * 0.2 / 16 + 0.5 - 0.2) + (0.5 - 0.1))
    let exposed = model(microbatches: 2, timeline: Self.late).step(on: hosts(2))
    expect(exposed.networkSeconds, 0.5 + (0.5 - 0.1))
    // A fast link ends a block's time after the backward pass, and has a turn of 16 before the forward one.
    let fast = model(microbatches: 2, seconds: 0.016, timeline: Self.even).step(on: hosts(2))
    expect(fast.networkSeconds, 0.008 / 15 + 0.008 / 16)
  }

  @Test func bfloat16HalvesTheGradientsAndNotTheParameters() {
    let step = model(microbatches: 2, reduction: .canonicalBfloat16).step(on: hosts(2))
    expect(step.networkSeconds, 0.25 + (0.5 - 0.1))
  }

  @Test func eightBitsSendAQuarterOfTheGradientsAndTheirScales() {
    let step = model(microbatches: 2, reduction: .canonicalInt8).step(on: hosts(2))
    expect(step.networkSeconds, 0.5 * (1 + 4 / 128) / 4 + (0.5 - 0.1))
  }

  @Test func anUnevenTreeSendsMoreNodes() {
    let even = model(microbatches: 8).step(on: hosts(2)).networkSeconds
    expect(even, 0.5 + (0.5 - 0.1))
    // 9 on 2: leaves 0 ..< 4 are one node, 4 ..< 9 are two.
    expect(model(microbatches: 9).step(on: hosts(2)).networkSeconds, 2 * 0.5 + (0.5 - 0.1))
  }

  @Test func moreHostsSendMoreAndWaitForEachOther() {
    let step = model(microbatches: 4, roundTrip: 0.02).step(on: hosts(4))
    expect(step.networkSeconds, 3 * 0.01 + 0.75 + (0.75 - 0.1))
    // Ranks of a host make no further messages.
    let pairs = model(microbatches: 8, roundTrip: 0.02).step(on: hosts(4, ranks: 2))
    expect(pairs.networkSeconds, step.networkSeconds)
  }

  @Test func workersCommunicateOnceInARound() {
    var synchronize = SynchronizationConfiguration()
    (synchronize.every, synchronize.workers) = (10, 2)
    let model = model(
      microbatches: 4, roundTrip: 0.02, timeline: Self.even, synchronize: synchronize)
    let two = model.step(on: hosts(2))
    expect(two.computeSeconds, 2 * 0.3)
    expect(two.optimizerSeconds, 0.04)
    // In each step a meeting, and in each round what nothing hides.
    expect(two.networkSeconds, 0.01 + (0.03 + 0.5 + 0.5) / 10)
    // One rank plays both workers, one after the other.
    let one = model.step(on: hosts(1))
    expect(one.computeSeconds, 4 * 0.3)
    expect(one.optimizerSeconds, 2 * 0.04)
    #expect(one.networkSeconds == 0)
    // Four hosts: two ranks share a worker's micro-batches, and add up gradients in every step.
    let four = model.step(on: hosts(4))
    expect(four.computeSeconds, 0.3)
    #expect(four.networkSeconds > 0.5 + 0.01)
  }

  /// Each host gets what the workers of the others send, once for each of its ranks that speak for workers.
  @Test func sparseChangesGoToEveryHost() {
    var synchronize = SynchronizationConfiguration()
    (synchronize.every, synchronize.workers) = (10, 4)
    let rule = SparseOuterStep()
    synchronize.outer.method = .sparseloco(rule)
    let model = model(microbatches: 4, roundTrip: 0.02, synchronize: synchronize)
    let bytes = Double(rule.format(elementCount: Self.parameters).byteCount)
    let change = bytes / Double(4 * Self.parameters)
    #expect(change < 0.03)
    // Two workers of one rank each way; of two ranks each to both; on three ranks of two hosts the first hears
    // two workers twice.
    for (hosts, messages) in [(hosts(2), 2), (hosts(2, ranks: 2), 4), ([0..<2, 2..<3], 4)] {
      expect(model.step(on: hosts).networkSeconds, 0.01 + (0.03 + Double(messages) * change) / 10)
    }
  }

  @Test func theTableGoesFromOneRankToTheJobAndToMoreHosts() {
    let two = HostCosts(
      ranks: 2, forwardSeconds: 0.1, backwardSeconds: 0.2, optimizerSeconds: 0.02,
      restSeconds: 0.01)
    let model = model(microbatches: 128, costs: [Self.alone, two])
    let prediction = SpeedPrediction(
      name: "x.yaml", threads: 1, model, hosts: hosts(2, ranks: 2))
    #expect(prediction.steps.map(\.ranks) == [1, 2, 4, 8, 16, 32, 64])
    #expect(prediction.steps.map(\.hosts) == [1, 1, 2, 4, 8, 16, 32])
    #expect(prediction.steps.filter(\.isThisJob).map(\.ranks) == [4])
    #expect(prediction.notices.isEmpty)
    let lines = prediction.description.split(separator: "\n")
    #expect(lines.count == 9 && lines.filter { $0.hasSuffix("this job") }.count == 1)
    // An uneven job has a row of its own.
    let uneven = SpeedPrediction(name: "x.yaml", threads: 1, model, hosts: [0..<2, 2..<3])
    #expect(uneven.ofThisJob?.ranks == 3)
  }

  @Test func whatCanNotBePredictedIsSaid() {
    var model = model(microbatches: 4)
    let few = SpeedPrediction(name: "x.yaml", threads: 1, model, hosts: hosts(2))
    #expect(few.steps.map(\.ranks) == [1, 2, 4])
    #expect(few.notices == ["more ranks than batch.microbatches (4): there is no work for them"])
    model.reduction = .allreduce
    let allreduce = SpeedPrediction(name: "x.yaml", threads: 1, model, hosts: hosts(2))
    #expect(allreduce.steps.map(\.ranks) == [1] && allreduce.ofThisJob == nil)
    #expect(
      allreduce.description.contains("\nno prediction for several hosts: with reduction: allr"))
    (model.link, model.reduction) = (nil, .canonical)
    let alone = SpeedPrediction(name: "x.yaml", threads: 1, model, hosts: hosts(1))
    #expect(alone.steps.map(\.ranks) == [1])
    #expect(alone.notices.count == 1 && alone.notices[0].contains("start doctor on two of them"))
  }
}
