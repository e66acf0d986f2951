import LockstepTensors

/// Continues a sequence of tokens, one at a time, with the keys and values of earlier positions kept
/// in a cache.
public final class TextGenerator {
  private let model: any LanguageModel
  private let workspace: Workspace
  private let sampler: TokenSampler
  private let vocabularyCount: Int?
  private var cache: GenerationCache
  private var tokens: [Int32]
  /// The first of `tokens` that the model still reads.
  private var windowStart = 0

  /// - Parameters:
  ///   - model: With its parameters bound in `workspace`.
  ///   - prompt: At least one token.
  ///   - vocabularyCount: Only tokens below this are chosen, for models whose embedding is padded;
  ///     nil: all V. Default: nil.
  ///   - sampler: How tokens are chosen.
  public init(
    model: any LanguageModel, workspace: Workspace, prompt: [Int32], vocabularyCount: Int? = nil,
    sampler: TokenSampler
  ) {
    precondition(!prompt.isEmpty, "a text starts from at least one token")
    self.model = model
    self.workspace = workspace
    self.sampler = sampler
    self.vocabularyCount = vocabularyCount
    tokens = prompt
    cache = model.makeCache(sequences: 1, in: workspace)
  }

  /// Chooses the next token and adds it to the text.
  ///
  /// A text that outgrows the model's context goes on from its last half.
  ///
  /// - Throws: `NotFiniteLogitsError`; then no token is added.
  public func next() throws -> Int32 {
    try workspace.withoutRecording {
      if tokens.count - windowStart > model.context {
        windowStart = tokens.count - max(1, model.context / 2)
        cache = model.makeCache(sequences: 1, in: workspace)
      }
      let known = cache.positions
      let new = Array(tokens[(windowStart + known)...])
      let states = model.states(of: Indices(new, shape: [1, new.count]), cache: cache)  // [1, t, D]
      let last = states.row(new.count - 1)  // [1, D]
      let logits = last.linear(weight: model.headWeight.tensor)  // [1, V]
      do {
        let token = try logits.withElements { logits in
          let choices = UnsafeBufferPointer(
            rebasing: logits.prefix(vocabularyCount ?? logits.count))
          return Int32(try sampler.token(from: choices, at: tokens.count))
        }
        tokens.append(token)
        return token
      } catch {
        // The next call reads them once more, and has a token to go on from.
        cache.truncate(to: known)
        throw error
      }
    }
  }
}
