// P parameters that are trained, M micro-batches, C clip.

import CLockstepKernels
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepPrivacy
import LockstepTensors

/// Computes a micro-batch's sum of clipped gradients: Σ gᵢ · min(1, C / ‖gᵢ‖), where gᵢ is the gradient of the mean
/// loss of sample i over all parameters that are trained.
///
/// A step's samples are dealt to its micro-batches as contiguous pieces of their list, so that the sum is a
/// function of (key, step, M) alone, on whichever ranks the micro-batches are computed.
final class PrivateGradients {
  private let task: any SampledTask
  private let replica: Replica
  private let privacy: PrivateTraining
  private let seed: UInt64
  private let microbatches: Int
  /// The most samples of a pass.
  private let chunkSize: Int
  /// Whether the model's samples can be told apart in a pass over several: found out by trying, and the same for
  /// all of a model. Never where samples have other numbers of targets than one, for a sample's mean loss is then not
  /// its part in the sum. That is the task's to say: some samples together may well have as many targets as there are
  /// samples. Nor with dropout: which mask a sample gets would depend on what else is in the pass, and one sample more
  /// would change the gradients of others. Nor where products round their factors: the sum of rounded gradients is not made of those whose
  /// norms were found, and one could be longer than C.
  private var allowsBatches: Bool
  /// One sample's gradient, [P].
  private let scratch: FloatMemory
  /// The last step whose samples were drawn.
  private var drawn: (step: Int, samples: [Int])?
  /// Sums of squares of the blocks of one gradient.
  private var squares: [Double]

  init(task: any SampledTask, replica: Replica, privacy: PrivateTraining, plan: Plan) {
    (self.task, self.replica, self.privacy) = (task, replica, privacy)
    (seed, microbatches) = (UInt64(plan.seed), plan.batch.microbatches)
    chunkSize = plan.batch.sequences
    // Each step draws another number of samples.
    replica.workspace.pool.sharesSizes = true
    allowsBatches = task.hasOneTargetEach && replica.workspace.products.format == .float32
    let count = replica.parameters.trainedCount
    scratch = FloatMemory(count: count)
    squares = [Double](
      repeating: 0, count: (count + SlicePartition.blockSize - 1) / SlicePartition.blockSize)
  }

  /// Computes the sum of a micro-batch, overwriting the buffer.
  ///
  /// - Parameters:
  ///   - buffer: [P].
  ///   - phases: Where the time goes.
  /// - Returns: The summed loss of the samples, and its targets.
  func sum(
    step: Int, microbatch: Int, into buffer: UnsafeMutableBufferPointer<Float>,
    timing phases: inout StepPhases
  ) throws -> (sum: Double, targetCount: Double) {
    let workspace = replica.workspace
    workspace.isTraining = true
    buffer.update(repeating: 0)
    var total = (sum: 0.0, targetCount: 0.0)
    let (samples, piece) = samples(step: step, microbatch: microbatch)
    var rest = piece
    while !rest.isEmpty {
      // Pieces of about the same size, none above `batch.sequences`.
      let parts = (rest.count + chunkSize - 1) / chunkSize
      let chunk = rest.prefix((rest.count + parts - 1) / parts)
      rest = rest.dropFirst(chunk.count)
      let loss =
        try inBatches(samples, chunk, step: step, into: buffer, timing: &phases)
        ?? oneByOne(samples, chunk, step: step, into: buffer, timing: &phases)
      total.sum += loss.sum
      total.targetCount += loss.targetCount
    }
    return total
  }

  /// The sum of some samples by one pass over all of them.
  ///
  /// - Returns: Nil where the model does not allow it: nothing has been added then.
  private func inBatches(
    _ samples: [Int], _ places: Range<Int>, step: Int,
    into buffer: UnsafeMutableBufferPointer<Float>, timing phases: inout StepPhases
  ) throws -> (sum: Double, targetCount: Double)? {
    guard allowsBatches else { return nil }
    let workspace = replica.workspace
    workspace.seekRandom(seed: seed, step: step, microbatch: samples[places.lowerBound])
    replica.parameters.beginGradient(into: scratch)
    // A head computes its gradients in the forward pass.
    let gradients = SampleGradients(sampleCount: places.count)
    workspace.sampleGradients = gradients
    defer { workspace.sampleGradients = nil }
    let loss = try phases.time(\.forward, on: workspace.threads.timeline) {
      try task.loss(ofSamples: samples[places], step: step, in: workspace)
    }
    guard !workspace.hasDrawn else {
      allowsBatches = false
      return nil
    }
    precondition(
      loss.targetCount == places.count,
      "\(places.count) samples with one target each have \(loss.targetCount)")
    phases.time(\.backward, on: workspace.threads.timeline) {
      loss.sum.backward()
      allowsBatches = gradients.isComplete
      guard allowsBatches else { return }
      gradients.sum(
        times: gradients.squares.map { min(1, privacy.configuration.clip / $0.squareRoot()) })
      replica.parameters.finishGradient()
      addClipped(to: buffer, factor: 1)
    }
    guard allowsBatches else { return nil }
    privacy.way = .inBatches(of: chunkSize)
    return (Double(loss.sum.item), Double(loss.targetCount))
  }

  /// The sum of some samples by a pass over each.
  private func oneByOne(
    _ samples: [Int], _ places: Range<Int>, step: Int,
    into buffer: UnsafeMutableBufferPointer<Float>, timing phases: inout StepPhases
  ) throws -> (sum: Double, targetCount: Double) {
    let workspace = replica.workspace
    var total = (sum: 0.0, targetCount: 0.0)
    privacy.way = .sampleBySample
    for place in places {
      workspace.seekRandom(seed: seed, step: step, microbatch: samples[place])
      replica.parameters.beginGradient(into: scratch)
      let loss = try phases.time(\.forward, on: workspace.threads.timeline) {
        try task.loss(ofSamples: samples[place...place], step: step, in: workspace)
      }
      guard loss.targetCount > 0 else { continue }
      phases.time(\.backward, on: workspace.threads.timeline) {
        loss.sum.backward()
        replica.parameters.finishGradient()
        addClipped(to: buffer, factor: factor(targetCount: loss.targetCount))
      }
      total.sum += Double(loss.sum.item)
      total.targetCount += Double(loss.targetCount)
    }
    return total
  }

  /// The samples of a step, and where among them a micro-batch's are.
  private func samples(step: Int, microbatch: Int) -> (samples: [Int], piece: Range<Int>) {
    if drawn?.step != step {
      drawn = (step, privacy.sampling.samples(ofStep: step, on: replica.workspace.threads))
    }
    let samples = drawn?.samples ?? []
    let ends = [microbatch, microbatch + 1].map { $0 * samples.count / microbatches }
    return (samples, ends[0]..<ends[1])
  }

  /// What the gradient of the sum of so many losses, which the scratch memory holds, is multiplied by.
  private func factor(targetCount: Int) -> Double {
    guard let source = scratch.elements.baseAddress else { return 0 }
    let norm = norm(of: source) / Double(targetCount)
    // Of no gradient at all nothing is to be shortened.
    return min(1, privacy.configuration.clip / norm) / Double(targetCount)
  }

  /// Adds what the scratch memory holds.
  private func addClipped(to buffer: UnsafeMutableBufferPointer<Float>, factor: Double) {
    guard let source = scratch.elements.baseAddress,
      let target = buffer.baseAddress
    else { return }
    let (threads, blockSize) = (replica.workspace.threads, SlicePartition.blockSize)
    threads.run(tasks: squares.count) { block in
      let start = block * blockSize
      CKernels_addClipped(
        source + start, factor, target + start, Int64(min(blockSize, buffer.count - start)))
    }
  }

  private func norm(of gradient: UnsafePointer<Float>) -> Double {
    let (count, blockSize) = (scratch.elements.count, SlicePartition.blockSize)
    squares.withUnsafeMutableBufferPointer { squares in
      let squares = squares.baseAddress
      replica.workspace.threads.run(
        tasks: (count + blockSize - 1) / blockSize
      ) { block in
        let start = block * blockSize
        squares?[block] = CKernels_sumSquares(
          gradient + start, Int64(min(blockSize, count - start)))
      }
    }
    return squares.reduce(0, +).squareRoot()
  }
}
