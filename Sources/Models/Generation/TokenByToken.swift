import LockstepTensors

/// Continues texts by choosing one token at a time: greedy, or at random.
public struct TokenByToken: Sendable {
  public let sampler: TokenSampler

  public init(_ sampler: TokenSampler) {
    self.sampler = sampler
  }

  /// All texts advance together; one that is done takes no more time.
  ///
  /// - Parameters:
  ///   - continuation: The texts, none begun.
  ///   - texts: Which text each is, for random numbers of its own: the choices of a text do not depend
  ///     on those beside it. Default: 0, 1, 2, …
  ///   - ends: Each of them ends a text.
  ///   - maxTokens: As of `BeamSearch.run`, like `vocabularyCount` and `workspace`.
  /// - Throws: `NotFiniteLogitsError`.
  public func run(
    _ continuation: some Continuation, texts: [Int]? = nil, ends: Set<Int32>, maxTokens: Int,
    vocabularyCount: Int? = nil, in workspace: Workspace
  ) throws -> [Hypothesis] {
    try workspace.withoutRecording {
      let numbers = texts ?? Array(0..<continuation.textCount)
      var written = [[Int32]](repeating: [], count: numbers.count)
      var likelihoods = [Double](repeating: 0, count: numbers.count)
      var hasEnded = [Bool](repeating: false, count: numbers.count)
      /// Which texts the rows are.
      var rows = Array(numbers.indices)
      var logits = continuation.begin(rowsPerText: 1)
      while true {
        let columns = vocabularyCount ?? logits.shape.last
        let likeliest = logits.likeliest(1, among: columns)
        var going: [Int] = []
        for (row, text) in rows.enumerated() {
          let (first, logProbability) = likeliest[row, 0]
          let chosen = try logits.withElements { elements in
            let start = row * logits.shape.last
            let choices = UnsafeBufferPointer(rebasing: elements[start..<start + columns])
            try choices.requireFinite(
              text: text, position: continuation.firstPosition(of: text) + written[text].count)
            let token = try sampler.token(
              from: choices, at: written[text].count, of: numbers[text])
            return (token: Int32(token), below: Double(choices[Int(first)] - choices[token]))
          }
          likelihoods[text] += logProbability - chosen.below
          hasEnded[text] = ends.contains(chosen.token)
          if hasEnded[text] { continue }
          written[text].append(chosen.token)
          let limit = min(maxTokens, continuation.limit(of: text))
          if written[text].count < limit { going.append(row) }
        }
        if going.isEmpty { break }
        continuation.select(going)
        rows = going.map { rows[$0] }
        logits = continuation.logits(after: rows.compactMap { written[$0].last })
      }
      return written.indices.map {
        Hypothesis(tokens: written[$0], hasEnded: hasEnded[$0], logProbability: likelihoods[$0])
      }
    }
  }
}
