// T positions, V vocabulary.

import LockstepTensors

/// Fills in the hidden tokens of a text, all at once: each is chosen without a look at the others.
public struct MaskFiller {
  private let model: any MaskedLanguageModel
  private let workspace: Workspace
  private let candidates: [Int32]
  private let sampler: TokenSampler

  /// - Parameters:
  ///   - model: With its parameters bound in `workspace`.
  ///   - candidates: The tokens that may be chosen, at least one.
  ///   - sampler: How they are chosen.
  public init(
    model: any MaskedLanguageModel, workspace: Workspace, candidates: [Int32],
    sampler: TokenSampler
  ) {
    precondition(!candidates.isEmpty, "there is no token to choose from")
    self.model = model
    self.workspace = workspace
    self.candidates = candidates
    self.sampler = sampler
  }

  /// The text with its masks replaced.
  ///
  /// - Parameters:
  ///   - tokens: At most as many as the model's context.
  ///   - mask: What stands in place of a hidden token.
  /// - Throws: `NotFiniteLogitsError`.
  public func fill(_ tokens: [Int32], mask: Int32) throws -> [Int32] {
    let positions = tokens.indices.filter { tokens[$0] == mask }
    guard !positions.isEmpty else { return tokens }
    return try workspace.withoutRecording {
      let shape: Shape = [1, tokens.count]
      let hidden = Indices(tokens.map { $0 == mask ? mask : -1 }, shape: shape)
      let states = model.headStates(
        of: Indices(tokens, shape: shape), at: PredictedPositions(hidden))
      let logits = model.logits(ofHeadStates: states)  // [N, V]
      var filled = tokens
      for (row, position) in positions.enumerated() {
        let scores = logits.withElements { logits in
          candidates.map { logits[row * logits.count / positions.count + Int($0)] }
        }
        filled[position] = try scores.withUnsafeBufferPointer {
          candidates[try sampler.token(from: $0, at: position)]
        }
      }
      return filled
    }
  }
}
