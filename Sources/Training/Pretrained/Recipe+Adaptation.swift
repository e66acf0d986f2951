import Foundation
import LockstepModels
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepReporting
import LockstepSettings

extension Recipe {
  /// Leaves as they are what `freeze` and `word_vectors.trained` name, and gives the targets of `adapter` an
  /// adapter each. To be called before the model's parameters get memory.
  ///
  /// - Throws: `ParameterPatternError` for a pattern or a target that matches nothing;
  ///   `NothingTrainedError`.
  func adapt(_ module: any Module) throws {
    if !wordVectors.trained { (module as? any LanguageModel)?.embeddingWeight.freeze() }
    let parameters = module.namedParameters
    for pattern in freeze {
      let matching = parameters.filter { NamePattern(pattern).matches($0.name) }
      guard !matching.isEmpty else {
        throw ParameterPatternError(
          key: "freeze", pattern: pattern, names: parameters.map(\.name))
      }
      for (_, parameter) in matching { parameter.freeze() }
    }
    if let keys = adapter.keys, let form = adapter.form {
      module.adapt(try keys.layers(of: module), as: form, heads: module.headModules)
      if let form = model.weights.form { module.keepFrozen(as: form) }
    }
    guard module.namedParameters.contains(where: \.parameter.isTrained) else {
      throw NothingTrainedError(keepsWordVectors: !wordVectors.trained)
    }
  }
}

extension Module {
  /// The modules of a head that is trained and stored whole beside an adapter; none but of a `TextClassifier`.
  var headModules: [String] { (self as? any TextClassifier)?.headModules ?? [] }
}

extension LowRankConfiguration {
  /// The layers that get an adapter, in the model's order.
  ///
  /// - Throws: `ParameterPatternError` for a target that matches nothing.
  func layers(of module: any Module) throws(ParameterPatternError) -> [AdaptableLayer] {
    let heads = module.headModules
    let all = module.adaptableLayers.filter { layer in
      !heads.contains { (layer.name + ".").hasPrefix($0 + ".") }
    }
    for target in targets where !all.contains(where: { Self.isMeant($0.name, by: target) }) {
      throw ParameterPatternError(
        key: "adapter.targets", pattern: target, names: Self.ends(of: all), noun: "linear layer")
    }
    return all.filter { layer in targets.contains { Self.isMeant(layer.name, by: $0) } }
  }

  private static func isMeant(_ name: String, by target: String) -> Bool {
    target == allLayers || NamePattern(target).matches(name)
      || NamePattern("*." + target).matches(name)
  }

  /// How the layers' names end, each once: what a target would usually be.
  private static func ends(of layers: [AdaptableLayer]) -> [String] {
    var ends: [String] = []
    for layer in layers {
      let end = layer.name.split(separator: ".").last.map(String.init) ?? layer.name
      if !ends.contains(end) { ends.append(end) }
    }
    return ends
  }
}

/// A configuration that freezes all of its model.
public struct NothingTrainedError: UserInputError, Equatable {
  /// Whether `word_vectors.trained: false` freezes the token embedding.
  let keepsWordVectors: Bool

  public var description: String {
    let others =
      keepsWordVectors ? " but the token embedding, which word_vectors.trained: false keeps" : ""
    return "freeze: matches all parameters\(others), so nothing is trained; leave some of them out"
  }
}

extension Recipe {
  /// `adapter_config.json`; nil where there is no adapter.
  ///
  /// - Parameter network: The model with its adapters.
  func peftJSON(of network: any Module) throws -> [UInt8]? {
    guard let keys = adapter.keys else { return nil }
    let layers = try keys.layers(of: network)
    let base = model.from.map {
      RunConfiguration.path($0, startingFrom: directory ?? FileManager.default.currentDirectoryPath)
    }
    return try PeftFormat.configuration(
      keys, method: adapter.method, layers: layers.map(\.name),
      all: network.adaptableLayers.map(\.name), base: base,
      storesInputsFirst: layers.first?.storesInputsFirst ?? false,
      task: classifiesTexts ? .classification : model.kind == .language ? .language : nil,
      heads: network.headModules)
  }

  /// One line about the network, for people.
  var modelSummary: String {
    classifiesTexts ? model.classifying?.bodySummary ?? model.summary : model.summary
  }

  /// What the console says of how the model begins, and of how much of it is trained.
  func beginningLines(trained parameters: ParameterStore) -> [RunOverview.Line] {
    var lines: [RunOverview.Line] = []
    if let from = model.from {
      let kept = model.weights == .float32 ? "" : ", kept as \(model.weights.rawValue)"
      lines.append(.init("weights", from + kept))
    }
    let (some, all) = (parameters.trainedParameterCount, parameters.parameterCount)
    if let keys = adapter.keys {
      lines.append(
        .init(
          "adapter",
          "\(adapter.method.variantName) of rank \(keys.rank) on \(keys.targets.joined(separator: ", "))"
            + (keys.from.map { ", from \($0)" } ?? "")))
    }
    if some < all {
      let share = 100 * Double(some) / Double(all)
      lines.append(
        .init("trained", String(format: "%d of %d parameters, %.2g %%", some, all, share)))
    }
    return lines
  }
}
