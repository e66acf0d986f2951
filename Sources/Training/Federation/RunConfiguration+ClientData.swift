import LockstepCommunication
import LockstepDatasets
import LockstepFederation
import LockstepFiles
import LockstepSettings

extension RunConfiguration {
  /// The recipe of what is common to all clients: where each has files of its own, with held-out data in their place.
  func commonRecipe(_ recipe: Recipe) -> Recipe {
    guard plan.federated.isOn, plan.federated.partition.isOfFiles else { return recipe }
    var recipe = recipe
    recipe.data = recipe.data.publicSection ?? recipe.data
    return recipe
  }

  /// Gives the clients their data; without clients, the task as it is. Collective.
  ///
  /// - Parameters:
  ///   - common: What is common to all clients.
  ///   - located: The data section with paths that can be opened.
  ///   - resumes: Whether the run goes on: then clients whose data are gone are left out.
  /// - Throws: `AgreedError` with a `ClientDataError`, or what is wrong with a client's files.
  func dealt(
    _ common: PreparedTask, located: DataConfiguration, resumes: Bool,
    communicator: any Communicator
  ) throws -> PreparedTask {
    guard plan.federated.isOn else { return common }
    var prepared = common
    prepared.epochLength = nil
    let (batch, unit) = (plan.batch, common.unit == "tokens" ? "sequences" : common.unit)
    prepared.batchSummary =
      "\(batch.microbatches) micro-batch\(batch.microbatches == 1 ? "" : "es") of "
      + "\(batch.sequences) \(unit) in a local step"
    if plan.federated.partition.isOfFiles {
      try openFiles(&prepared, located: located, resumes: resumes, communicator)
    } else {
      try communicator.agree { try deal(&prepared) }
    }
    try communicator.agree { try (prepared.task as? FederatedTask)?.requireFewSteps() }
    return prepared
  }

  /// Deals the samples of one data set out to clients.
  private func deal(_ prepared: inout PreparedTask) throws {
    guard let task = prepared.task as? any SampledTask else {
      preconditionFailure("\(type(of: prepared.task)) has no samples to be dealt out")
    }
    let partition = try plan.federated.partition.deal(
      sampleCount: task.sampleCount, labels: task.sampleClasses?.map(Int.init),
      toClients: plan.federated.clients, seed: UInt64(plan.seed))
    prepared.task = FederatedTask(of: task, partition: partition, plan: plan)
    let counts = Set(partition.map(\.count)).sorted()
    let range = counts.count == 1 ? "\(counts[0])" : "\(counts[0]) to \(counts[counts.count - 1])"
    prepared.dataSummary +=
      "; dealt out to \(partition.count) clients (\(plan.federated.partition.summary)), "
      + "\(range) samples each"
  }

  /// Opens the files of the clients that this rank plays. Collective.
  private func openFiles(
    _ prepared: inout PreparedTask, located: DataConfiguration, resumes: Bool,
    _ communicator: any Communicator
  ) throws {
    guard let open = prepared.openClient else {
      preconditionFailure("\(type(of: prepared.task)) has no files of clients")
    }
    let owners = try owners(of: located, communicator)
    let missing = owners.indices.filter { owners[$0] == nil }
    try communicator.agree {
      if let first = missing.first, !resumes || missing.count == owners.count {
        throw ClientDataError(clients: missing, paths: located.clientPaths(first))
      }
    }
    var (data, record): ([Int: ClientData], [DataRecord.File]) = ([:], [])
    try communicator.agree {
      for client in owners.indices where owners[client] == communicator.rank {
        let files = try open(located.ofClient(client), recipe.data.ofClient(client))
        guard files.task.sampleCount > 0 else {
          throw ClientDataError(clients: [client], paths: located.clientPaths(client))
        }
        data[client] = ClientData(task: files.task, samples: nil)
        record += files.record.map {
          .init(key: "\($0.key)[\(client)]", path: $0.path, content: $0.content)
        }
      }
    }
    prepared.task = FederatedTask(
      base: prepared.task, clients: FederatedClients(owners: owners, data: data), plan: plan)
    try addRecord(record, to: &prepared, communicator)
    let heldOut = recipe.data.publicSection?.clientPaths ?? []
    prepared.dataSummary =
      "\(recipe.data.clientPaths.joined(separator: ", ")), of \(owners.count) clients; held out: "
      + heldOut.joined(separator: ", ")
    if !missing.isEmpty, communicator.isRankZero {
      let names = missing.map(String.init).joined(separator: ", ")
      prepared.notices.append(
        "no rank has the data of client\(missing.count == 1 ? "" : "s") \(names): left out of every round"
      )
    }
  }

  /// Which rank has which client's files: every rank looks, and reads none. Collective.
  private func owners(
    of located: DataConfiguration, _ communicator: any Communicator
  ) throws -> [Int?] {
    let count = plan.federated.clients
    var own = [UInt64](repeating: 0, count: (count + 63) / 64)
    for client in 0..<count {
      let paths = located.clientPaths(client)
      if paths.allSatisfy({ (try? FileSystem.exists($0)) ?? false }) {
        own[client / 64] |= 1 << (client % 64)
      }
    }
    let all = try communicator.allGather(words: own)
    let holders = (0..<count).map { client in
      all.indices.filter { all[$0][client / 64] >> (client % 64) & 1 != 0 }
    }
    return FederatedClients.owners(holders: holders, ranks: communicator.size)
  }

  /// Tells rank zero what is in the clients' files. Collective.
  private func addRecord(
    _ own: [DataRecord.File], to prepared: inout PreparedTask, _ communicator: any Communicator
  ) throws {
    let files = try communicator.allGather(value: own).joined()
    guard var record = prepared.data else { return }
    record.files.removeAll(where: \.isLearnedFrom)
    record.files += files.sorted { $0.path < $1.path }
    prepared.setClientRecord(record)
  }
}

extension PreparedTask {
  /// Keeps what a run that goes on has learned from: the files of clients whose data no rank has now stay in its
  /// record. On rank zero.
  ///
  /// - Parameter stored: What the newest checkpoint says.
  mutating func keepAbsentClients(of stored: DataRecord) {
    guard var record = (task as? FederatedTask)?.record else { return }
    let present = record.files.filter(\.isLearnedFrom)
    let keys = Set(present.map(\.key))
    let absent = stored.files.filter { $0.isLearnedFrom && !keys.contains($0.key) }
    record.files.removeAll(where: \.isLearnedFrom)
    record.files += (present + absent).sorted { $0.path < $1.path }
    setClientRecord(record)
  }

  fileprivate mutating func setClientRecord(_ record: DataRecord) {
    data = record
    (task as? FederatedTask)?.record = record
  }
}

extension DataRecord.File {
  fileprivate var isLearnedFrom: Bool { key.hasPrefix("data.train") }
}

/// A client that would take more local steps in a round than have numbers.
public struct LocalStepsError: UserInputError, Equatable {
  public let client: Int
  public let steps: Int

  public var description: String {
    "client \(client) would take \(steps) local steps in a round, and can take "
      + "\(FederatedConfiguration.localStepLimit): choose a larger batch.sequences, or federated.local_steps in place "
      + "of federated.local_epochs"
  }
}

/// Clients without data.
public struct ClientDataError: UserInputError, Equatable {
  /// Ascending.
  public let clients: [Int]
  /// Where the first one's would be.
  public let paths: [String]

  public var description: String {
    let names = clients.map(String.init).joined(separator: ", ")
    return
      "no rank has training data of client\(clients.count == 1 ? "" : "s") \(names): there is no "
      + "\(paths.joined(separator: ", ")), or it is empty. Clients are numbered from 0 to federated.clients - 1"
  }
}
