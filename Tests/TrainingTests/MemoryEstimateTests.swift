import LockstepCommunication
import LockstepModels
import LockstepOptimization
import LockstepTensors
import LockstepTraining
import Testing

/// What a training is said to need, against what it takes.
@Suite struct MemoryEstimateTests {
  /// Bytes of activations that a step of a language model takes, and the estimate.
  private func activations(
    of architecture: some LanguageArchitecture, sequences: Int
  ) -> (taken: Double, estimated: Double) {
    let model = architecture.model(vocabularyCount: 100)
    let workspace = Workspace()
    let communicator = SoloCommunicator()
    let replica = try! Replica(of: model, communicator: communicator, workspace: workspace)
    try! replica.initialize(seed: 1, communicator: communicator)
    workspace.isTraining = true
    let context = architecture.context
    let tokens = Indices(
      (0..<sequences * context).map { Int32($0 % 100) }, shape: [sequences, context])
    replica.parameters.beginGradient(into: FloatMemory(count: replica.parameters.flatCount))
    model.loss(of: tokens, targets: tokens).backward()
    replica.parameters.finishGradient()
    let kept = architecture.keptElementCount(sequences: sequences, of: [context])
    return (Double(workspace.pool.allocatedBytes), kept * 4)
  }

  @Test(arguments: [false, true])
  func activationsAreRatherUnderratedAndNotByMuch(recomputed: Bool) {
    var gpt = GPTConfiguration(layers: 8, heads: 4, width: 256, context: 256)
    gpt.recompute = recomputed
    var llama = LlamaConfiguration()
    (llama.layers, llama.context, llama.keyValueHeads, llama.recompute) = (8, 256, 2, recomputed)
    for (taken, estimated) in [
      activations(of: gpt, sequences: 8), activations(of: llama, sequences: 8),
    ] {
      #expect(estimated <= taken)
      #expect(estimated >= taken / 2)
    }
  }

  @Test func whatDoesNotFitIsRefusedWithWhatWould() throws {
    var plan = Plan()
    (plan.batch.sequences, plan.batch.microbatches) = (64, 4)
    let gpt = GPTConfiguration(layers: 2, heads: 2, width: 64, context: 64)
    let estimate = MemoryEstimate(
      of: gpt.model(vocabularyCount: 100),
      keptElementCount: gpt.keptElementCount(sequences: 64, of: [64]), plan: plan, ranks: 1)
    let topology = SoloCommunicator().topology
    let needed = Int(estimate.bytes(hostRanks: 1, ranks: 1))
    try estimate.requireFits(plan, topology: topology, available: needed)
    try estimate.requireFits(plan, topology: topology, available: nil)
    // Half of the activations less.
    let available = needed - Int(estimate.activations / 2)
    let error = #expect(throws: MemoryError.self) {
      try estimate.requireFits(plan, topology: topology, available: available)
    }
    let message = "\(try #require(error))"
    #expect(message.contains("batch.sequences: 32 would about fit"), "\(message)")
    #expect(message.contains("model.recompute: true"), "\(message)")
    let tiny = #expect(throws: MemoryError.self) {
      try estimate.requireFits(plan, topology: topology, available: 1000)
    }
    #expect("\(try #require(tiny))".contains("a smaller model"))
  }

  @Test func theLargestModelThatCanBeWrittenIsEstimatedWithoutOverflow() {
    var llama = LlamaConfiguration()
    (llama.layers, llama.width, llama.feedForward) = (1024, 65_536, 1_048_576)
    (llama.heads, llama.context, llama.vocabulary) = (1024, 1_048_576, 16_777_216)
    let estimate = MemoryEstimate(
      of: llama.model(vocabularyCount: 1),
      keptElementCount: llama.keptElementCount(sequences: 65_536, of: [llama.context]),
      plan: Plan(), ranks: 1)
    #expect(estimate.parameters > 1e14 && estimate.parameters.isFinite)
    #expect(estimate.activations > 1e18 && estimate.activations.isFinite)
  }

  /// Four workers have four copies of the parameters and four optimisers, over all ranks, whoever plays
  /// them; a rank has gradients of one at a time.
  @Test(arguments: [1, 2, 4, 8]) func workersTakeParametersAndOptimisersOfTheirOwn(ranks: Int) {
    let gpt = GPTConfiguration(layers: 2, heads: 2, width: 64, context: 64)
    func estimate(_ plan: Plan, ranks: Int) -> MemoryEstimate {
      MemoryEstimate(
        of: gpt.model(vocabularyCount: 100), keptElementCount: 0, plan: plan, ranks: ranks)
    }
    var plan = Plan()
    plan.batch.microbatches = 8
    let copy = estimate(plan, ranks: 8).parameters
    #expect(estimate(plan, ranks: ranks).states == 2 * copy)
    (plan.synchronize.every, plan.synchronize.workers) = (100, 4)
    let apart = estimate(plan, ranks: ranks)
    #expect(apart.parameters == copy)
    // Of each worker its parameters and AdamW's two states; the outer optimiser's momentum.
    #expect(abs(apart.states - (4 * 3 + 1) * copy) < 0.01 * copy)
    // Two micro-batches of a worker take two gradients, one takes one; changes of 4, 2 and 1 workers
    // take 3, 2 and 1 more, and of 8 ranks every other has them.
    let buffers: [Int: Double] = [1: 5, 2: 4, 4: 3, 8: 1.5]
    #expect(apart.gradients == copy * (buffers[ranks] ?? 0))
    // With the largest elements of changes, what each worker has not sent, and no gradient of changes.
    plan.synchronize.outer.method = .sparseloco(SparseOuterStep())
    let sparse = estimate(plan, ranks: ranks)
    #expect(abs(sparse.states - 4 * 4 * copy) < 0.01 * copy)
    #expect(sparse.gradients == copy * (ranks == 8 ? 1 : 2))
  }
}
