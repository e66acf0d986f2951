import LockstepCommunication
import LockstepTraining
import Testing

/// Copies of the parameters that no longer agree are found, by name.
@Suite struct ParameterVerificationTests {
  /// Trains on hosts that are threads, and flips a bit of one host's copy after a step.
  ///
  /// - Returns: What rank zero says, nil where the run ends well.
  private func train(
    ranks: Int, ranksPerHost: Int, every: Int = 4, flipping bit: UInt32, in tensor: String,
    on rank: Int
  ) throws -> String? {
    let group = try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost)
    return try group.run { communicator -> String? in
      var plan = Plan.regression(steps: 12)
      plan.verify.every = every
      let trainer = try Trainer(
        task: LinearRegression(), plan: plan, communicator: communicator, observers: [])
      let entry = try #require(
        trainer.replica.parameters.entries.first { $0.name == tensor })
      do {
        _ = try trainer.run(pausing: { step, _ in
          guard step == 3, communicator.rank == rank else { return false }
          let values = trainer.replica.shared.values
          let element = entry.range.lowerBound
          values[element] = Float(bitPattern: values[element].bitPattern ^ bit)
          return false
        })
        return nil
      } catch let error as AgreedError where error.exitCode == .failure {
        return error.speaks ? "\(error)" : nil
      }
    }[0]
  }

  @Test(arguments: [(3, 1, 1), (5, 2, 3)])
  func aBitThatFlipsNamesHostTensorAndStep(ranks: Int, ranksPerHost: Int, rank: Int) throws {
    let said = try #require(
      try train(
        ranks: ranks, ranksPerHost: ranksPerHost, flipping: 1, in: "linear.bias", on: rank))
    #expect(said.hasPrefix("step 4: host 1 holds other parameters than the rest"), "\(said)")
    #expect(said.contains("first in linear.bias"), "\(said)")
  }

  @Test func ofTwoHostsNoneIsBlamed() throws {
    let said = try #require(
      try train(ranks: 2, ranksPerHost: 1, flipping: 1 << 31, in: "linear.weight", on: 0))
    #expect(said.hasPrefix("step 4: hosts 0 and 1 disagree, first in linear.weight"), "\(said)")
  }

  @Test func withoutAFlipOrAComparisonTheRunEndsWell() throws {
    #expect(
      try train(ranks: 3, ranksPerHost: 1, flipping: 0, in: "linear.bias", on: 1) == nil)
    #expect(
      try train(ranks: 3, ranksPerHost: 1, every: 0, flipping: 1, in: "linear.bias", on: 1)
        == nil)
  }
}
