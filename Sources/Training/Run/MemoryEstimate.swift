// P parameters, M micro-batches, N ranks, K workers.

import LockstepCommunication
import LockstepFederation
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepSettings
import LockstepTensors

/// What a training needs of memory, in bytes, known before any of it is allocated; rather too little
/// than too much, so that nothing is refused that would run.
///
/// Numbers are Doubles, for sizes from outside may multiply beyond 2⁶³.
package struct MemoryEstimate: Equatable {
  /// The parameters, once on each host.
  package let parameters: Double
  /// Gradients of one rank: a few copies of the parameters that are trained. With workers that communicate
  /// rarely one at least is of their changes.
  package let gradients: Double
  /// What the optimiser remembers, the average and the best parameters, over all ranks; and the parameters
  /// of workers.
  package let states: Double
  /// What the forward pass of a micro-batch keeps, on each rank.
  package let activations: Double

  /// - Parameters:
  ///   - model: Its parameters need no memory yet.
  ///   - keptElementCount: Floats that the forward pass of one micro-batch keeps.
  ///   - plan: How it is trained.
  ///   - ranks: N, at most M.
  ///   - frozen: Models beside it that are not trained. Default: none.
  package init(
    of model: any Module, keptElementCount: Double, plan: Plan, ranks: Int,
    beside frozen: [any Module] = []
  ) {
    let store = ParameterStore(of: model)
    let copy = Double(store.trainedCount) * 4
    parameters = frozen.reduce(Double(store.flatCount) * 4) {
      $0 + Double(ParameterStore(of: $1).flatCount) * 4
    }
    let synchronize = plan.synchronize
    let workers = synchronize.isOn ? synchronize.workers : 1
    // Where they are dealt out by speed, all other ranks may come to have one.
    let sharers = plan.federated.isOn ? 1 : max(1, ranks, workers)
    let leaves =
      plan.rebalance
      ? plan.batch.microbatches - ranks + 1 : plan.batch.microbatches / sharers
    var buffers = Double(plan.reduction.bufferCount(leaves: leaves))
    if synchronize.isOn && synchronize.outer.sendsAll {
      let changes = max(1, workers / max(1, ranks))
      // The first rank of each group has them.
      let share = min(1, Double(workers) / Double(max(1, ranks)))
      buffers += share * Double(plan.reduction.bufferCount(leaves: changes))
    }
    // The gradient of a sample.
    if plan.privacy.isOn && !plan.federated.isOn { buffers += 1 }
    let rule = plan.optimizer.method.rule
    let remembered = store.entries.filter(\.isTrained).reduce(0.0) {
      $0
        + rule.stateElementCount(
          of: OptimizedTensor(
            name: $1.name, shape: $1.shape.dimensions, range: $1.range, decays: $1.decays))
    }
    let federated = plan.federated.isOn ? FederatedMemory(plan.federated, ranks: ranks) : nil
    gradients =
      copy * (buffers + (federated?.copiesARank ?? 0))
      + (federated == nil ? 0 : remembered * 4)
    let versions = (plan.average.method == .none ? 0 : 1) + (plan.earlyStopping.isOn ? 1 : 0)
    // Each worker has parameters and an optimiser, and all together the outer one's momentum.
    // Or what each has not sent of its changes.
    let outer = synchronize.outer.sendsAll ? copy : Double(workers) * copy
    let own = synchronize.isOn ? Double(workers) * (remembered * 4 + copy) + outer : remembered * 4
    states = (federated.map { copy * $0.copiesInAll } ?? own) + copy * Double(versions)
    activations = keptElementCount * 4
  }

  /// What clients need beside gradients and the optimiser of the one that a rank is playing.
  private struct FederatedMemory {
    /// As many floats as are trained.
    let copiesARank: Double
    /// Over all ranks together.
    let copiesInAll: Double

    init(_ federated: FederatedConfiguration, ranks: Int) {
      // A client's parameters, and a sum of words of 64 bits.
      let (client, sum) = (1.0, 2.0)
      switch federated.method {
      case .scaffold:
        copiesARank = client + 2 * sum
        // Control variates, and how far they go in a round.
        copiesInAll = Double(1 + 2 * federated.clients)
      case .fedadam: (copiesARank, copiesInAll) = (client + sum, 2)
      case .fedavg, .fedprox: (copiesARank, copiesInAll) = (client + sum, 1)
      }
    }
  }

  /// Bytes that a host needs.
  ///
  /// - Parameters:
  ///   - hostRanks: Ranks on this host.
  ///   - ranks: N.
  package func bytes(hostRanks: Int, ranks: Int) -> Double {
    parameters + states * Double(hostRanks) / Double(ranks)
      + Double(hostRanks) * (gradients + activations)
  }

  /// Refuses a training that does not fit in the memory of this rank's host.
  ///
  /// - Parameters:
  ///   - plan: That of the estimate.
  ///   - topology: Of the ranks.
  ///   - available: Bytes that the host can give; nil: it does not say.
  /// - Throws: `MemoryError`.
  package func requireFits(
    _ plan: Plan, topology: Topology, available: Int?
  ) throws(MemoryError) {
    let (hostRanks, ranks) = (topology.hostRanks.count, topology.size)
    guard let available, bytes(hostRanks: hostRanks, ranks: ranks) > Double(available) else {
      return
    }
    let fixed = bytes(hostRanks: hostRanks, ranks: ranks) - Double(hostRanks) * activations
    let each = activations * Double(hostRanks) / Double(plan.batch.sequences)
    let fitting = each > 0 ? (Double(available) - fixed) / each : 0
    throw MemoryError(
      estimate: self, available: available, hostRanks: hostRanks,
      sequences: plan.batch.sequences, fittingSequences: Int(max(0, min(fitting, 1e9))))
  }
}

/// A training that needs more memory than its host has.
public struct MemoryError: UserInputError, Equatable {
  package let estimate: MemoryEstimate
  let available: Int
  let hostRanks: Int
  let sequences: Int
  /// As many as would fit; 0: not even one would.
  let fittingSequences: Int

  public var description: String {
    let ranks = hostRanks == 1 ? "" : " on each of \(hostRanks) ranks of the host"
    let parts =
      "parameters \(ByteCount.text(estimate.parameters)), gradients \(ByteCount.text(estimate.gradients))\(ranks), "
      + "the optimiser's states \(ByteCount.text(estimate.states)), "
      + "activations \(ByteCount.text(estimate.activations))\(ranks)"
    return
      "the run does not fit in memory: \(ByteCount.text(Double(available))) are available, and it "
      + "needs at least \(parts). \(advice)"
  }

  private var advice: String {
    if fittingSequences >= 1 && fittingSequences < sequences {
      return
        "batch.sequences: \(fittingSequences) would about fit, and so might model.recompute: true, "
        + "which a Transformer takes; more batch.microbatches make up for fewer sequences"
    }
    let fewer = hostRanks == 1 ? "" : ", or start fewer ranks on the host"
    return "Take a smaller model\(fewer)"
  }
}

extension ReductionMethod {
  /// How many gradients a rank holds of so many micro-batches.
  fileprivate func bufferCount(leaves: Int) -> Int {
    switch self {
    case .canonical, .canonicalBfloat16, .canonicalInt8:
      FoldPlan(tree: CanonicalTree(leafCount: leaves), owned: 0..<leaves).bufferCount
    case .allreduce: min(2, leaves)
    }
  }
}
