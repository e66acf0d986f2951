// F numbers of a sample, D width, C outputs.

import LockstepModels
import LockstepTensors

/// What happens in a predictor that sees one sample: the numbers that an `ImageExplanation` shows.
public struct SampleInspection {
  /// The outputs, [C].
  public let scores: [Float]
  /// The output that is explained.
  public let target: Int
  /// Gradient × input of the target's score, [F].
  public let attribution: [Double]
  /// The scores that the states after each block would have, the embedding first, [C] each; empty for
  /// networks that are no `LayeredModel`.
  public let readouts: [(name: String, scores: [Float])]
  /// What passed through the layers.
  public let recorder: ActivationRecorder

  /// - Parameters:
  ///   - predictor: Its parameters are bound.
  ///   - sample: As the model gets it, [F].
  ///   - shape: Of a batch of one: [1, H, W] or [1, F].
  ///   - target: In 0 ..< C. Default: the highest.
  /// - Throws: `NotFiniteLogitsError`.
  public init(
    of predictor: any Predictor, sample: [Float], shape: Shape, target: Int? = nil,
    in workspace: Workspace
  ) throws {
    let input = Tensor.variable(sample, shape: shape, in: workspace)
    let (recorder, scores, chosen) = try workspace.withRecorder { recorder in
      let outputs = predictor.outputs(of: input)  // [1, C]
      let scores = outputs.elements
      try scores.withUnsafeBufferPointer {
        try $0.requireFinite(position: nil, input: "the sample")
      }
      let chosen = target ?? Distribution(scores).highest(1)[0]
      let mask = scores.indices.map { $0 == chosen ? Float(1) : 0 }
      (outputs * Tensor(mask, shape: outputs.shape, in: workspace)).sum().backward()
      return (recorder, scores, chosen)
    }
    self.scores = scores
    self.target = chosen
    self.recorder = recorder
    attribution = zip(sample, input.gradient ?? []).map { Double($0) * Double($1) }
    let layered = predictor as? any LayeredModel
    readouts = try recorder.states.compactMap { name, states in
      guard let layered else { return nil }
      let scores = workspace.withoutRecording { layered.readout(of: states).elements }
      try scores.withUnsafeBufferPointer {
        try $0.requireFinite(position: nil, input: "the sample, read after \(name)")
      }
      return (name, scores)
    }
  }
}
