import LockstepDatasets
import LockstepNeuralNetworks
import LockstepTensors

/// A task on some of the samples of another: 0 ..< n are those of a list.
///
/// Without privacy an epoch is a pseudo-random permutation of them. One of them may be a gap: it is drawn like the
/// others and adds nothing. So data sets with and without a sample have the same size, which a private run takes
/// for known.
package final class PooledTask: SampledTask {
  private let all: any SampledTask
  private let samples: [Int]
  private let gap: Int?
  private let plan: Plan

  /// - Parameters:
  ///   - all: Has the samples.
  ///   - samples: Their numbers, at least one that is no gap.
  ///   - gap: The sample that adds nothing; nil: there is none. Default: nil.
  ///   - plan: `batch` and `seed` are used.
  package init(_ all: any SampledTask, samples: [Int], gap: Int? = nil, plan: Plan) {
    precondition(samples.contains { $0 != gap }, "nothing to learn from")
    (self.all, self.samples, self.gap, self.plan) = (all, samples, gap, plan)
  }

  package var model: any Module { all.model }
  package var initialRows: [String: InitialRows] { all.initialRows }
  package var sampleCount: Int { samples.count }
  package var sampleUnit: String { all.sampleUnit }
  /// A gap has none.
  package var hasOneTargetEach: Bool { gap == nil && all.hasOneTargetEach }

  package func loss(step: Int, microbatch: Int, in workspace: Workspace) throws -> BatchLoss {
    let (sequences, microbatches) = (plan.batch.sequences, plan.batch.microbatches)
    let first = WindowSampler.sampleIndex(
      step: step, microbatch: microbatch, sequence: 0, microbatches: microbatches,
      sequences: sequences)
    let drawn = (first..<first + sequences).map { number in
      let (epoch, place) = number.quotientAndRemainder(dividingBy: samples.count)
      let words = RandomStream(seed: UInt64(plan.seed), purpose: .audit, step: epoch).words(at: 0)
      let key = UInt64(words.0) << 32 | UInt64(words.1)
      return IndexPermutation(count: samples.count, key: key)[place]
    }
    return try loss(ofSamples: drawn[...], step: step, in: workspace)
  }

  package func loss(
    ofSamples numbers: ArraySlice<Int>, step: Int, in workspace: Workspace
  ) throws -> BatchLoss {
    let present = numbers.map { samples[$0] }.filter { $0 != gap }
    if !present.isEmpty { return try all.loss(ofSamples: present[...], step: step, in: workspace) }
    // Of nothing there is no loss to be differentiated: another one's counts for nothing.
    let other = samples.first { $0 != gap } ?? 0
    return BatchLoss(
      sum: try all.loss(ofSamples: [other], step: step, in: workspace).sum, targetCount: 0)
  }
}
