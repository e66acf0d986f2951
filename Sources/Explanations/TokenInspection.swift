// T positions of one sequence, D width, V vocabulary.

import LockstepModels
import LockstepTensors

/// What happens in a language model that reads a text: the numbers that a `TextExplanation` shows.
public struct TokenInspection {
  /// Where the next token is predicted.
  public let position: Int
  /// The token whose score is explained.
  public let target: Int32
  /// The target's score before the softmax.
  public let logit: Float
  /// For each token that is read the sum over its embedding of gradient × input: how much the target's
  /// logit changes, to first order, with the embedding's length (Shrikumar et al., "Not just a black
  /// box", 2016); [T].
  public let attribution: [Double]
  /// The same for the tokens of the source, [S]; empty for models without one.
  public let sourceAttribution: [Double]
  /// What passed through the layers.
  public let recorder: ActivationRecorder

  private let model: any LayeredModel

  /// - Parameters:
  ///   - model: Its parameters are bound.
  ///   - tokens: At least one, at most the model's context.
  ///   - position: In 0 ..< T. Default: the last.
  ///   - target: In 0 ..< V. Default: the likeliest.
  /// - Throws: `NotFiniteLogitsError`.
  public init(
    of model: any LanguageModel & LayeredModel, tokens: [Int32], position: Int? = nil,
    target: Int32? = nil
  ) throws {
    precondition(!tokens.isEmpty && tokens.count <= model.context)
    let head = model.headWeight.tensor
    let read = { (states: Tensor) in states.linear(weight: head) }
    try self.init(
      of: model, position: position ?? tokens.count - 1, target: target, in: head.workspace,
      read: read
    ) {
      model.states(of: Indices(tokens, shape: [1, tokens.count]), cache: nil)
    }
  }

  /// - Parameters:
  ///   - model: Its parameters are bound.
  ///   - tokens: At least one, at most the model's context.
  ///   - position: Of the hidden token that is predicted, in 0 ..< T.
  ///   - target: In 0 ..< V. Default: the likeliest.
  /// - Throws: `NotFiniteLogitsError`.
  public init(
    of model: any MaskedLanguageModel & LayeredModel, tokens: [Int32], position: Int,
    target: Int32? = nil
  ) throws {
    precondition(!tokens.isEmpty && tokens.count <= model.context)
    try self.init(
      of: model, position: position, target: target, in: model.headWeight.tensor.workspace,
      read: model.readout
    ) {
      model.states(of: Indices(tokens, shape: [1, tokens.count]), lengths: nil)
    }
  }

  /// - Parameters:
  ///   - model: Its parameters are bound.
  ///   - source: Ends with the token that ends a text; at most the model's context.
  ///   - tokens: What the decoder reads: "begin", then the translation; at most the model's context.
  ///   - position: In 0 ..< T. Default: the first.
  ///   - target: In 0 ..< V. Default: the likeliest.
  /// - Throws: `NotFiniteLogitsError`.
  public init(
    of model: any SequenceToSequenceModel & LayeredModel, source: [Int32], tokens: [Int32],
    position: Int = 0, target: Int32? = nil
  ) throws {
    precondition(!source.isEmpty && source.count <= model.context)
    precondition(!tokens.isEmpty && tokens.count <= model.context)
    let head = model.headWeight.tensor
    let read = { (states: Tensor) in states.linear(weight: head) }
    try self.init(
      of: model, position: position, target: target, in: head.workspace, read: read
    ) {
      let encoded = model.encode(
        source: Indices(source, shape: [1, source.count]), lengths: [source.count])
      return model.states(of: Indices(tokens, shape: [1, tokens.count]), given: encoded)
    }
  }

  /// - Parameters:
  ///   - read: From the states of a position [1, D] to its logits, [1, V].
  ///   - states: Computes those before the head, [1, T, D].
  private init(
    of model: any LayeredModel, position: Int, target: Int32?, in workspace: Workspace,
    read: (Tensor) -> Tensor, states: () -> Tensor
  ) throws {
    (recorder, self.target, logit) = try workspace.withRecorder { recorder in
      let states = states()
      let rows = states.reshaped(to: [states.shape.rows, states.shape.last])  // [T, D]
      let logits = read(rows.rows(at: Indices([Int32(position)], shape: [1])))  // [1, V]
      let scores = logits.elements
      try scores.withUnsafeBufferPointer { try $0.requireFinite(position: position) }
      let chosen = target ?? Int32(Distribution(scores).highest(1)[0])
      var mask = [Float](repeating: 0, count: scores.count)
      mask[Int(chosen)] = 1
      (logits * Tensor(mask, shape: logits.shape, in: workspace)).sum().backward()
      return (recorder, chosen, scores[Int(chosen)])
    }
    self.model = model
    self.position = position
    let read = ["target token embedding", "token embedding", "embedding"].lazy
      .compactMap(recorder.gradientTimesInput).first
    guard let read else { preconditionFailure("a LayeredModel shows its embedding") }
    attribution = read
    sourceAttribution = recorder.gradientTimesInput("source token embedding") ?? []
  }

  /// The scores of all tokens after each position as the states after each block would have them, the
  /// embedding first: the last is the model's own word.
  ///
  /// - Parameter body: Given the layer's name and its logits [1, T, V].
  public func forEachReadout(
    _ body: (_ name: String, _ logits: Tensor) throws -> Void
  ) rethrows {
    for (name, states) in recorder.states {
      try body(name, states.workspace.withoutRecording { model.readout(of: states) })
    }
  }
}

extension ActivationRecorder {
  /// Σ gradient · input over each vector of a layer's output [1, T, D]; nil where there is no such
  /// layer.
  fileprivate func gradientTimesInput(_ name: String) -> [Double]? {
    guard let input = values(of: name), let gradient = gradients[name] else { return nil }
    let width = input.shape.last
    return input.withElements { elements in
      (0..<input.shape.rows).map { row in
        (row * width..<(row + 1) * width).reduce(0) {
          $0 + Double(elements[$1]) * Double(gradient[$1])
        }
      }
    }
  }
}
