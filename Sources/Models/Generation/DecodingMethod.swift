import LockstepTensors

/// How texts are continued.
public enum DecodingMethod: Sendable {
  /// Token by token, at random or greedy.
  case sampling(SamplingOptions)
  /// The likeliest text that a beam search finds.
  case beamSearch(BeamSearch)

  /// - Parameters: As of `TokenByToken.run` and `BeamSearch.run`.
  /// - Throws: `NotFiniteLogitsError`.
  public func run(
    _ continuation: some Continuation, texts: [Int]? = nil, end: Int32?, maxTokens: Int,
    vocabularyCount: Int? = nil, in workspace: Workspace
  ) throws -> [Hypothesis] {
    switch self {
    case .sampling(let options):
      try TokenByToken(TokenSampler(options)).run(
        continuation, texts: texts, ends: Set([end].compactMap(\.self)), maxTokens: maxTokens,
        vocabularyCount: vocabularyCount, in: workspace)
    case .beamSearch(let search):
      try search.run(
        continuation, end: end, maxTokens: maxTokens, vocabularyCount: vocabularyCount,
        in: workspace)
    }
  }
}
