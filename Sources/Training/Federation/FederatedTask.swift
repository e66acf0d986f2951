// K clients, M micro-batches of B samples in a local step.

import LockstepDatasets
import LockstepFederation
import LockstepNeuralNetworks
import LockstepTensors

/// What clients learn, each from samples of its own.
///
/// The batches of all clients and rounds have numbers, so that each is a function of the configuration and the data:
/// micro-batch client · M + m of step round · `FederatedConfiguration.localStepLimit` + j is micro-batch m of the
/// client's local step j in that round.
public final class FederatedTask: TrainingTask {
  /// Has the model and what it is evaluated on.
  let base: any TrainingTask
  let clients: FederatedClients
  private let batch: BatchConfiguration
  private let configuration: FederatedConfiguration
  private let seed: UInt64
  /// What is in the clients' own files, on rank zero; nil: they have none.
  var record: DataRecord?
  /// The samples of a batch.
  private var drawn: [Int] = []

  /// Clients that are simulated from one data set.
  ///
  /// - Parameters:
  ///   - base: All data, on every rank.
  ///   - partition: The numbers of each client's samples.
  ///   - plan: `federated`, `batch` and `seed` are used.
  public convenience init(of base: any SampledTask, partition: [[Int]], plan: Plan) {
    precondition(
      partition.count == plan.federated.clients,
      "\(plan.federated.clients) clients have \(partition.count) lists of samples")
    self.init(
      base: base,
      clients: FederatedClients(sharing: partition.map { ClientData(task: base, samples: $0) }),
      plan: plan)
  }

  init(base: any TrainingTask, clients: FederatedClients, plan: Plan) {
    self.base = base
    self.clients = clients
    batch = plan.batch
    configuration = plan.federated
    seed = UInt64(plan.seed)
  }

  /// What stands in a batch's numbers for a round and a client.
  static func place(round: Int, client: Int, _ batch: BatchConfiguration) -> TrainingStep.Place {
    TrainingStep.Place(
      firstStep: round * FederatedConfiguration.localStepLimit,
      firstMicrobatch: client * batch.microbatches)
  }

  /// Optimiser steps that a client takes in a round.
  func localSteps(of client: Int) -> Int {
    if let steps = configuration.localSteps { return steps }
    let microbatches = (configuration.localEpochs ?? 1) * piecesAnEpoch(of: clients[client].count)
    return (microbatches + batch.microbatches - 1) / batch.microbatches
  }

  /// - Throws: `LocalStepsError` for a client of this rank that would take more steps than have numbers.
  func requireFewSteps() throws(LocalStepsError) {
    for client in clients.known {
      let steps = localSteps(of: client)
      guard steps <= FederatedConfiguration.localStepLimit else {
        throw LocalStepsError(client: client, steps: steps)
      }
    }
  }

  private func piecesAnEpoch(of samples: Int) -> Int {
    (samples + batch.sequences - 1) / batch.sequences
  }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) throws -> BatchLoss {
    let (client, piece) = microbatch.quotientAndRemainder(dividingBy: batch.microbatches)
    let (round, local) = step.quotientAndRemainder(
      dividingBy: FederatedConfiguration.localStepLimit)
    draw(client: client, round: round, index: local * batch.microbatches + piece)
    return try clients[client].task.loss(ofSamples: drawn[...], step: step, in: workspace)
  }

  /// Finds the samples of a client's micro-batch, of all that it takes in a round in order: each epoch is a
  /// permutation of its samples, cut into pieces of B.
  private func draw(client: Int, round: Int, index: Int) {
    let data = clients[client]
    let (epoch, piece) = index.quotientAndRemainder(dividingBy: piecesAnEpoch(of: data.count))
    let key = DrawPurpose.clientSamples.key(
      seed: DrawPurpose.clientSamples.key(seed: seed, number: UInt64(client)),
      number: UInt64(round) << 32 | UInt64(epoch))
    let order = IndexPermutation(count: data.count, key: key)
    let start = piece * batch.sequences
    drawn.removeAll(keepingCapacity: true)
    for place in start..<min(data.count, start + batch.sequences) {
      drawn.append(data.sample(order[place]))
    }
  }

  // MARK: What is the same for all clients

  public var model: any Module { base.model }
  public var evaluationBatchCount: Int { base.evaluationBatchCount }
  public var metrics: [Metric] { base.metrics }
  public var initialRows: [String: InitialRows] { base.initialRows }
  public var checkpointFiles: [(name: String, bytes: [UInt8])] {
    guard let record, let bytes = try? record.json() else { return base.checkpointFiles }
    return base.checkpointFiles.map { $0.name == DataRecord.fileName ? ($0.name, bytes) : $0 }
  }
  public var frozenModels: [FrozenModel] { base.frozenModels }
  public var formula: String? { base.formula }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) throws -> BatchLoss {
    try base.evaluationLoss(batch: index, in: workspace)
  }
}
