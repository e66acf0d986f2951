import LockstepDatasets
import LockstepFederation
import LockstepSettings

extension Plan {
  /// What must hold between clients and the rest of a plan.
  func checkFederation(_ checks: inout SettingChecks) {
    guard federated.isOn else { return }
    checks.require(
      !synchronize.isOn, "synchronize.every",
      "0, because federated.clients is above 0: its clients are the workers",
      involving: "federated.clients")
    checks.require(
      reduction != .allreduce, "reduction",
      "canonical, canonical-bfloat16 or canonical-int8, because federated.clients is above 0",
      involving: "federated.clients")
    checks.require(
      !rebalance, "rebalance",
      "false, because federated.clients is above 0: a rank plays whole clients",
      involving: "federated.clients")
    checks.require(
      report.histogramsEvery == 0, "report.histograms_every",
      "0, because each client has a gradient of its own and federated.clients is above 0",
      involving: "federated.clients")
    checks.require(
      optimizer.skipAbove == 0, "optimizer.skip_above",
      "0, because a client does not know the steps of the others and federated.clients is above 0",
      involving: "federated.clients")
    if case .lbfgs = optimizer.method {
      checks.require(
        false, "optimizer.name",
        "another than lbfgs, because federated.clients is above 0 and a client's optimiser begins anew in each "
          + "round", involving: "federated.clients")
    }
    checks.require(
      steps <= Self.mostRounds, "steps",
      "at most \(Self.mostRounds), because federated.clients is above 0 and the local steps of all rounds are "
        + "numbered", involving: "federated.clients")
    if case .scaffold = federated.method { checkControlVariates(&checks) }
    guard privacy.isOn else { return }
    checks.require(
      federated.weighting == .uniform, "federated.weighting",
      "uniform, because privacy is on: with weights a client could change the sum by more than privacy.clip",
      involving: "privacy.epsilon", "privacy.noise")
    checks.require(
      !federated.secure, "federated.secure",
      "false, because privacy is on: masks take a number of clients, and whether there are enough could depend on "
        + "one client, which would then change the sum by more than privacy.clip",
      involving: "privacy.epsilon", "privacy.noise")
    checks.require(
      federated.deadline == 0, "federated.deadline",
      "0, because privacy is on: two starts would have the same noise on the sums of other clients, and their "
        + "difference would be without noise", involving: "privacy.epsilon", "privacy.noise")
  }

  /// With the most local steps and four million samples their numbers are below 2⁶².
  private static let mostRounds = 1 << 24

  private func checkControlVariates(_ checks: inout SettingChecks) {
    var isPlain = false
    if case .sgd(let rule) = optimizer.method { isPlain = rule.momentum == 0 }
    checks.require(
      isPlain, "optimizer.name",
      "sgd without momentum, because federated.method is scaffold, which takes a client's change for a sum of "
        + "gradients", involving: "federated.method")
    checks.require(
      optimizer.layerDecay == 1, "optimizer.layer_decay",
      "1, because federated.method is scaffold, which divides a client's change by one learning rate",
      involving: "federated.method")
    checks.require(
      optimizer.groups.allSatisfy { $0.rate == 1 }, "optimizer.groups",
      "no rate but 1, because federated.method is scaffold, which divides a client's change by one learning rate",
      involving: "federated.method")
    checks.require(
      !privacy.isOn, "federated.method",
      "another than scaffold, because privacy is on and control variates would tell of the clients without noise",
      involving: "privacy.epsilon", "privacy.noise")
  }
}

extension RunConfiguration {
  /// What must hold between clients and what they learn.
  func checkFederation(_ checks: inout SettingChecks) {
    let federated = plan.federated
    let paths = recipe.data.clientPaths
    guard federated.isOn else {
      checks.require(
        !paths.contains(where: \.namesClient), "data.train",
        "a path without {client}, because federated.clients is 0", involving: "federated.clients")
      return
    }
    let key = "federated.clients"
    checks.require(
      [.languageModeling, .classification, .regression].contains(recipe.task)
        && recipe.data.preferences == nil, "task",
      "language-modeling, classification or regression without preferences, because \(key) is above 0 and the "
        + "samples of others are not dealt out to clients", involving: key)
    checks.require(
      recipe.loss.kind.distillation == nil, "loss.name",
      "another than distillation, because \(key) is above 0", involving: key)
    checks.require(
      recipe.data.tokens.map { $0.train.elements.count == 1 } ?? true, "data.train",
      "one file, because \(key) is above 0 and a client's samples are numbered through",
      involving: key)
    if federated.partition.isOfFiles {
      checkOwnFiles(paths, &checks)
    } else {
      checks.require(
        !paths.contains(where: \.namesClient), "data.train",
        "a path without {client}, because federated.partition deals out one data set",
        involving: "federated.partition.name")
      checks.require(
        !federated.partition.needsLabels || recipe.task == .classification,
        "federated.partition.name",
        "even, because task is \(recipe.task.rawValue) and has no classes",
        involving: "task")
    }
  }

  private func checkOwnFiles(_ paths: [String], _ checks: inout SettingChecks) {
    checks.require(
      !paths.isEmpty && paths.allSatisfy(\.namesClient), "data.train",
      "a path with {client} in the place of a client's number, because federated.clients is above 0 and "
        + "federated.partition.name is files", involving: "federated.partition.name")
    checks.require(
      recipe.data.publicSection != nil, "data.validation",
      "a path, because what clients learn has the form of what they are evaluated on: its columns, its classes",
      involving: "federated.partition.name")
    checks.require(
      recipe.data.folds.map { !$0.isOn } ?? true, "data.folds.count",
      "1, because each client has training data of its own", involving: "federated.partition.name")
  }
}

extension String {
  /// What stands in a path for a client's number.
  static let clientMark = "{client}"

  var namesClient: Bool { contains(Self.clientMark) }
}

extension DataConfiguration {
  /// Where training samples are.
  var clientPaths: [String] {
    switch format {
    case .tokens(let tokens): tokens.train.elements.map(\.path)
    case .conversations(let conversations): [conversations.train]
    case .texts(let texts): [texts.train]
    case .idx, .csv: samplePaths.train
    case .pairs, .preferences: []
    }
  }

  /// The paths of a client's own training data.
  func clientPaths(_ client: Int) -> [String] { ofClient(client).clientPaths }

  /// The section with a client's number in its place, and without anything held out.
  func ofClient(_ client: Int) -> DataConfiguration {
    var data = mappingPaths { $0.replacing(String.clientMark, with: String(client)) }
    switch data.format {
    case .tokens(var tokens):
      tokens.validation = nil
      data.format = .tokens(tokens)
    case .conversations(var conversations):
      conversations.validation = nil
      data.format = .conversations(conversations)
    case .texts(var texts):
      texts.validation = nil
      data.format = .texts(texts)
    case .idx, .csv, .pairs, .preferences: break
    }
    return data
  }

  /// The section with the held-out data, which all may know, in the place of the training data; nil: there are none.
  var publicSection: DataConfiguration? {
    var data = self
    switch format {
    case .tokens(var tokens):
      guard let path = tokens.validation?.elements.first else { return nil }
      tokens.train = OneOrMore(elements: [TokenSource(path: path, weight: 1)])
      data.format = .tokens(tokens)
    case .conversations(var conversations):
      guard let path = conversations.validation else { return nil }
      conversations.train = path
      data.format = .conversations(conversations)
    case .texts(var texts):
      guard let path = texts.validation else { return nil }
      texts.train = path
      data.format = .texts(texts)
    case .idx(var images):
      guard let path = images.validation, let labels = images.validationLabels else { return nil }
      (images.train, images.trainLabels) = (path, labels)
      data.format = .idx(images)
    case .csv(var table):
      guard let path = table.validation else { return nil }
      table.train = path
      data.format = .csv(table)
    case .pairs, .preferences: return nil
    }
    return data
  }

  fileprivate var folds: FoldConfiguration? {
    switch format {
    case .idx(let images): images.folds
    case .csv(let table): table.folds
    case .tokens, .conversations, .texts, .pairs, .preferences: nil
    }
  }
}
