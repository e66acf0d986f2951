import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// Whether a model into which an adapter was folded still computes what the model with the adapter did: the outputs
/// of all three on the same text.
public struct AdapterMerge: Encodable, Sendable {
  /// What a model makes of a text.
  public enum Outputs: String, Encodable, Sendable {
    /// Scores of tokens or classes.
    case logits
    /// Vectors of tokens, where what is written has no head.
    case states
  }

  /// What was compared.
  public let outputs: Outputs
  /// Where the tokens are from: a file that the run held out, or that it learned from; nil: they are random.
  public let text: String?
  /// How many there are.
  public let tokens: Int
  /// What the adapter changes: the mean difference of an output's element with it and without.
  public let change: Double
  /// The mean difference of an element of the model with the adapter, and of what was written.
  public let meanError: Double
  /// The largest such difference, relative to the largest element.
  public let largestError: Double

  /// The largest relative error of an element in float32: both add up the same products in other orders.
  static let tolerance = 1e-3
  /// How much of what the adapter changes may be lost to rounding, of what is written in fewer bits.
  static let mostLost = 0.5
}

/// The outputs of a model with an adapter, and without it, before it is folded in.
struct AdapterEffect {
  private let text: ComparedText
  private let outputs: AdapterMerge.Outputs
  private let adapted: [Float]
  private let plain: [Float]

  /// - Parameters:
  ///   - model: Has an adapter. A head that is stored with it stays when the adapter is set aside.
  ///   - format: In which the model will be written.
  /// - Throws: `LoadingError` where it has no such outputs.
  init(of model: TrainedModel, writtenAs format: ModelConversion.Format) throws {
    let text = ComparedText(for: model)
    // GGUF has no place for the head that fills in tokens.
    let outputs: AdapterMerge.Outputs =
      model.kind == .encoder || model.kind == .maskedLanguage && format == .gguf
      ? .states : .logits
    adapted = try text.outputs(outputs, of: model)
    plain = try AdaptedLayers(of: model.model.module).settingAdaptersAside {
      try text.outputs(outputs, of: model)
    }
    (self.text, self.outputs) = (text, outputs)
  }

  /// Refuses what has lost the adapter.
  ///
  /// - Parameters:
  ///   - path: Of the model that was written.
  ///   - isExact: Whether its parameters were written as they are.
  /// - Throws: `LostAdapterError`.
  func require(of path: String, isExact: Bool, threadCount: Int) throws -> AdapterMerge {
    let merged = try text.outputs(
      outputs,
      of: TrainedModel.open(
        path, in: Workspace(threadCount: threadCount), precision: .float32))
    func mean(_ other: [Float]) -> Double {
      zip(adapted, other).reduce(0) { $0 + Double(abs($1.0 - $1.1)) } / Double(adapted.count)
    }
    let largest = Double(adapted.map(abs).max() ?? 0)
    let worst = zip(adapted, merged).map { Double(abs($0 - $1)) }.max() ?? 0
    let found = AdapterMerge(
      outputs: outputs, text: text.path, tokens: text.tokens.count, change: mean(plain),
      meanError: mean(merged), largestError: largest > 0 ? worst / largest : worst)
    // What is no number compares as false: it must not pass.
    let isKept =
      found.meanError <= AdapterMerge.mostLost * found.change || found.change == 0
    guard isKept, found.largestError <= AdapterMerge.tolerance || !isExact else {
      throw LostAdapterError(found, isExact: isExact)
    }
    return found
  }
}

/// The tokens on which models are compared.
private struct ComparedText {
  let path: String?
  let tokens: [Int32]

  private static let mostTokens = 128

  /// The beginning of the run's held-out text, or of what it learned from; random tokens where there is neither.
  init(for model: TrainedModel) {
    let section = model.configuration?.locatingFiles().recipe.data
    let data =
      section?.tokens ?? section?.conversations?.tokens
      ?? section?.preferences?.conversations.tokens
    let files = (data?.validation?.elements ?? []) + (data?.train.elements.map(\.path) ?? [])
    let count = min(Self.mostTokens, model.architecture.context)
    let rows = model.architecture.vocabulary ?? model.tokenizer?.vocabularyCount ?? 1
    for path in files {
      guard let file = try? TokenFile(path: path), file.count >= count else { continue }
      let tokens = file.tokens(0..<count)
      guard tokens.allSatisfy({ 0..<Int32(rows) ~= $0 }) else { continue }
      (self.path, self.tokens) = (path, tokens)
      return
    }
    let stream = RandomStream(seed: 1, purpose: .initialization, site: 0)
    path = nil
    tokens = (0..<count).map { Int32(Int(stream.words(at: $0).0) % rows) }
  }

  /// Logits [T · V], of a model that sorts texts [C]; states [T · D].
  func outputs(_ outputs: AdapterMerge.Outputs, of model: TrainedModel) throws -> [Float] {
    let tokens = Indices(tokens, shape: [1, tokens.count])
    return try model.workspace.withoutRecording {
      switch model.model {
      case .language(let network): return network.logits(of: tokens).elements
      case .maskedLanguage(let network) where outputs == .logits:
        let states = network.headStates(of: tokens, at: PredictedPositions(tokens))
        return network.logits(ofHeadStates: states).elements
      case .textClassification(let network):
        return network.outputs(of: tokens, lengths: [tokens.shape[1]]).elements
      case .maskedLanguage(let network as any TextEncoder), .encoder(let network):
        return network.states(of: tokens).elements
      case .sequenceToSequence, .prediction:
        throw LoadingError.otherModel(
          path: model.path, found: model.kind, expected: .language)
      }
    }
  }
}

/// A merged model that does not compute what the model with the adapter did.
public struct LostAdapterError: Error, Equatable, CustomStringConvertible {
  private let outputs: AdapterMerge.Outputs
  private let change: Double
  private let meanError: Double
  private let largestError: Double
  private let isExact: Bool

  init(_ merge: AdapterMerge, isExact: Bool) {
    outputs = merge.outputs
    change = merge.change
    meanError = merge.meanError
    largestError = merge.largestError
    self.isExact = isExact
  }

  public var description: String {
    let found =
      "the merged model would not compute what the model with the adapter does: \(outputs) differ by "
      + "\(Float(meanError)) on average, and the adapter itself changes them by \(Float(change)); "
    return found
      + (isExact
        ? "the largest relative difference is \(Float(largestError)), and \(AdapterMerge.tolerance) is allowed; "
          + "nothing was written"
        : "nothing was written; choose a --type with more bits")
  }
}
