// T positions of one sequence, D width, V vocabulary.

import Models
import Tensors

/// What happens in a language model that reads a text: the numbers that a `TextExplanation` shows.
public struct TokenInspection {
  /// Where the next token is predicted.
  public let position: Int
  /// The token whose score is explained.
  public let target: Int32
  /// The target's score before the softmax.
  public let logit: Float
  /// For each token the sum over its embedding of gradient × input: how much the target's logit
  /// changes, to first order, with the embedding's length (Shrikumar et al., "Not just a black box",
  /// 2016); [T].
  public let attribution: [Double]
  /// What passed through the layers.
  public let recorder: ActivationRecorder

  private let model: any LanguageModel & LayeredModel

  /// - Parameters:
  ///   - model: Its parameters are bound.
  ///   - tokens: At least one, at most the model's context.
  ///   - position: In 0 ..< T. Default: the last.
  ///   - target: In 0 ..< V. Default: the likeliest.
  public init(
    of model: any LanguageModel & LayeredModel, tokens: [Int32], position: Int? = nil,
    target: Int32? = nil
  ) {
    precondition(!tokens.isEmpty && tokens.count <= model.context)
    let workspace = model.headWeight.tensor.workspace
    let position = position ?? tokens.count - 1
    let (recorder, chosen, logit) = workspace.withRecorder { recorder in
      let states = model.states(of: Indices(tokens, shape: [1, tokens.count]), cache: nil)
      let logits = workspace.withoutRecording {
        states.row(position).linear(weight: model.headWeight.tensor)
      }
      let chosen = target ?? Int32(Distribution(logits.elements).highest(1)[0])
      // The logit is the product of the position's state with the target's row of the head.
      let width = states.shape.last
      let weight = workspace.withoutRecording { model.headWeight.tensor.row(Int(chosen)) }
      var mask = [Float](repeating: 0, count: states.shape.count)
      mask.replaceSubrange(position * width..<(position + 1) * width, with: weight.elements)
      (states * Tensor(mask, shape: states.shape, in: workspace)).sum().backward()
      return (recorder, chosen, logits.elements[Int(chosen)])
    }
    self.model = model
    self.position = position
    self.target = chosen
    self.logit = logit
    self.recorder = recorder
    attribution = recorder.gradientTimesInput(tokens: tokens.count)
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
  /// Σ gradient · input over the vector of each token, [T].
  fileprivate func gradientTimesInput(tokens: Int) -> [Double] {
    for name in ["token embedding", "embedding"] {
      guard let input = values(of: name), let gradient = gradients[name] else { continue }
      let width = input.shape.last
      return input.withElements { elements in
        (0..<tokens).map { token in
          (token * width..<(token + 1) * width).reduce(0) {
            $0 + Double(elements[$1]) * Double(gradient[$1])
          }
        }
      }
    }
    preconditionFailure("a LayeredModel shows its embedding")
  }
}
