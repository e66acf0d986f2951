import CLockstepKernels
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepTensors

/// One rank's copy of the model: parameters in a flat buffer that the ranks of a host share, and
/// the workspace that computes with them.
public final class Replica {
  public let parameters: ParameterStore
  public let workspace: Workspace
  /// The flat buffer of values.
  public let shared: SharedParameters

  /// The start of the flat buffer.
  var values: UnsafeMutablePointer<Float> {
    guard let base = shared.values.baseAddress else {
      preconditionFailure("a model without parameters can not be trained")
    }
    return base
  }

  /// Gives the parameters of a module their memory. Collective.
  ///
  /// - Parameters:
  ///   - owners: The ranks that share out what is trained, ascending. Default: all.
  ///   - layout: Where in it each rank's parts lie. A step may leave parts that lie all over it on their way
  ///     between hosts: see `SharedParameters`. Default: one slice for each.
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  public convenience init(
    of module: some Module, communicator: any Communicator, workspace: Workspace,
    owners: [Int]? = nil, layout: SlicePartition.Layout = .contiguous
  ) throws {
    let parameters = ParameterStore(of: module)
    let shared = try SharedParameters(
      communicator: communicator, elementCount: parameters.flatCount,
      trainedCount: parameters.trainedCount, owners: owners, layout: layout)
    self.init(parameters, shared, workspace)
    parameters.bind(
      to: FloatMemory(viewing: shared.values, owner: shared.memory), in: workspace)
    if layout == .interleaved { parameters.awaitValues { shared.arrive(upTo: $0) } }
  }

  /// Makes a further copy of what is trained, for some of the ranks. The model goes on with the copy that
  /// it has until `bind`. Collective among these ranks.
  ///
  /// - Parameters:
  ///   - replica: Has the model, and the only copy of what is not trained.
  ///   - communicator: Of the ranks that train the copy.
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  convenience init(beside replica: Replica, communicator: any Communicator) throws {
    let parameters = replica.parameters
    self.init(
      parameters,
      try SharedParameters(communicator: communicator, elementCount: parameters.trainedCount),
      replica.workspace)
  }

  private init(
    _ parameters: ParameterStore, _ shared: SharedParameters, _ workspace: Workspace
  ) {
    self.parameters = parameters
    self.shared = shared
    self.workspace = workspace
  }

  /// Lets the model compute with this copy of what is trained.
  func bind() {
    parameters.bindTrained(
      to: FloatMemory(viewing: shared.trained, owner: shared.memory), in: workspace)
  }

  /// Fills the parameters by their initialisers: rank zero computes, the others receive. Collective.
  ///
  /// - Parameters:
  ///   - initializers: In place of parameters' own, by name. Default: none.
  ///   - rows: Rows that get other values, by parameter name; rank zero's count. Default: none.
  ///   - weights: Of all that is neither an adapter nor a new head, in place of the initialisers; rank zero's count. Default: none.
  /// - Throws: `AgreedError` where the weights are not the model's.
  public func initialize(
    seed: UInt64, overriding initializers: [String: Initializer] = [:],
    rows: [String: InitialRows] = [:], weights: PretrainedWeights? = nil,
    communicator: any Communicator
  ) throws {
    try communicator.onRankZero {
      parameters.initialize(
        values, seed: seed, overriding: initializers, rows: rows,
        where: { entry in weights.map { $0.isNew(entry) } ?? true }, in: workspace)
      try weights?.fill(parameters, values, threads: workspace.threads)
    }
    try shared.broadcast()
  }
}

extension Replica {
  /// Looks for parameters that an update made infinite or NaN. Collective: each rank looks at what it
  /// owns, in place.
  ///
  /// - Parameter step: Optimiser steps taken.
  /// - Throws: `AgreedError` with `NotFiniteError.parameter` where there is one.
  func requireFinite(step: Int, _ communicator: any Communicator) throws {
    let partition = shared.partition
    let blocks = partition.blocks(of: communicator.rank).joined().map(partition.elements(ofBlock:))
    let values = values
    var squares = [Double](repeating: 0, count: blocks.count)
    squares.withUnsafeMutableBufferPointer { squares in
      let squares = squares.baseAddress
      workspace.threads.run(tasks: blocks.count) { block in
        // The squares of finite floats can not overflow a double.
        squares?[block] = CKernels_sumSquares(
          values + blocks[block].lowerBound, Int64(blocks[block].count))
      }
    }
    let element = squares.firstIndex { !$0.isFinite }.flatMap { block in
      blocks[block].first { !values[$0].isFinite }
    }
    let found = try communicator.allGather([element.map(Double.init) ?? -1])
    guard let first = found.first(where: { $0[0] >= 0 }).map({ Int($0[0]) }) else { return }
    let name = parameters.entries.first { $0.range.contains(first) }?.name
    throw AgreedError(
      NotFiniteError.parameter(step: step, name: name ?? "element \(first)"),
      speaks: communicator.isRankZero)
  }
}
