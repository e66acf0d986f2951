import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepParallelism
import LockstepSettings
import LockstepWeights

/// The model of `loss.teacher`, which a loss compares with. Opened and checked on rank zero, from which the
/// others get the parameters.
struct Teacher {
  let frozen: FrozenModel
  /// Its files, as `data.json` records them; on rank zero only.
  let record: [DataRecord.File]
  /// What the user should know of how they were read, one sentence each; on rank zero only.
  let notices: [String]

  /// Opens the teacher. Collective.
  ///
  /// - Parameters:
  ///   - path: By which it can be opened here.
  ///   - named: As the configuration has it.
  ///   - tokenizer: Of the data; nil: not known.
  ///   - context: T of the model that learns.
  ///   - vocabularyCount: V of that.
  /// - Throws: `AgreedError` with a `TeacherError`, or what a model can not be described for.
  init(
    at path: String, named: String, tokenizer: (any Tokenizer)?, context: Int,
    vocabularyCount: Int, _ communicator: any Communicator
  ) throws {
    var opened: (weights: any WeightSource, record: [DataRecord.File], checkpoint: Any?)?
    var notices: [String] = []
    let text = try communicator.valueFromRankZero {
      let description: ModelDescription
      do {
        description = try .reading(path, threads: ThreadPool())
      } catch let error as LoadingError {
        throw TeacherError(path: named, reason: "\(error)")
      }
      try description.requireTeacher(
        named, tokenizer: tokenizer, context: context, vocabularyCount: vocabularyCount)
      notices = description.notices.map { "loss.teacher: \($0)" }
      let weights = try description.weights()
      opened = (
        weights, try DataRecord.File.list("loss.teacher", of: weights, named: named),
        description.checkpoint
      )
      let model = SettingNode(
        .map([.init("model", ModelConfiguration(description.architecture).settingNode)]))
      return YAMLWriter().write(model)
    }
    let (architecture, network) = try communicator.agree {
      let configuration = try RunConfiguration.parse(yaml: text, source: named)
      guard case .language(let architecture) = configuration.model.role else {
        throw TeacherError(path: named, reason: "is no language model")
      }
      return (architecture, architecture.model(vocabularyCount: vocabularyCount))
    }
    record = opened?.record ?? []
    self.notices = notices
    let names = architecture.weightNames
    frozen = FrozenModel(network) { parameters, values, threads in
      guard let opened else { return }
      try parameters.read(
        from: opened.weights, names: names, into: values, where: { _ in true }, threads: threads)
    }
  }
}

extension ModelDescription {
  /// - Throws: `TeacherError` where a model that learns can not learn from this one.
  fileprivate func requireTeacher(
    _ named: String, tokenizer data: (any Tokenizer)?, context: Int, vocabularyCount count: Int
  ) throws {
    func require(_ holds: Bool, _ reason: @autoclosure () -> String) throws(TeacherError) {
      if !holds { throw TeacherError(path: named, reason: reason()) }
    }
    try require(kind == .language, "is no language model")
    try require(
      !holdsAdapter,
      "holds an adapter, not a model: fold it into its model first with lockstep merge")
    if let data, let tokenizer {
      try require(
        data.contentHash == tokenizer.contentHash,
        "has another tokenizer than data.tokenizer, so that its predictions are of other tokens")
    }
    let own = try vocabularyCount()
    try require(
      own == count, "knows \(own) tokens, and the model that learns \(count)")
    try require(
      architecture.context >= context,
      "takes sequences of up to \(architecture.context) tokens, and model.context is \(context)")
  }
}

/// A model that can not be learned from.
public struct TeacherError: UserInputError, Equatable {
  /// As the configuration has it.
  public let path: String
  public let reason: String

  public var description: String { "loss.teacher: \(path): \(reason)" }
}
