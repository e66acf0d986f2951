import LockstepTensors

/// How texts are continued.
public enum DecodingMethod: Sendable {
  /// Token by token, at random or greedy.
  case sampling(SamplingOptions)
  /// The likeliest text that a beam search finds.
  case beamSearch(BeamSearch)

  /// - Parameters: As of `TokenByToken.run` and `BeamSearch.run`, but for `end`, the token that ends a text; nil:
  ///   none does.
  /// - Throws: `NotFiniteLogitsError`.
  public func run(
    _ continuation: some Continuation, texts: [Int]? = nil, end: Int32?, maxTokens: Int,
    vocabularyCount: Int? = nil, in workspace: Workspace
  ) throws -> [Hypothesis] {
    let ends = Set([end].compactMap(\.self))
    switch self {
    case .sampling(let options):
      return try TokenByToken(TokenSampler(options)).run(
        continuation, texts: texts, ends: ends, maxTokens: maxTokens,
        vocabularyCount: vocabularyCount, in: workspace)
    case .beamSearch(let search):
      return try search.run(
        continuation, ends: ends, maxTokens: maxTokens, vocabularyCount: vocabularyCount,
        in: workspace)
    }
  }
}
