// B texts, K beams of each text, V vocabulary.

import LockstepTensors

/// Looks for the likeliest continuation of each text, K at a time.
///
/// Of all continuations of a text's K beams by one token the 2 K likeliest are taken (with E tokens that end a
/// text (1 + E) K, if that is more, so that K can go on), in the order of their probability; of equal ones that of the earlier beam comes first, then the smaller token. Those
/// among the first K that end a text are finished; the K likeliest that do not go on. A finished
/// continuation Y scores
///
///     log p(Y) / |Y|^α
///
/// with |Y| its tokens, the end included: for α = 1 the mean log-probability of a token, for α = 0 the
/// probability. The best one is the result. A text's search is over when K have finished, or when no
/// beam can come to a better score than the best, however it goes on: log p only falls, and |Y| is at
/// most the most tokens that a text may have. What has that many counts as finished. These are the
/// results of `generate(num_beams=K, early_stopping=True)` in Hugging Face's `transformers`; K = 1 is the
/// greedy choice.
///
/// All texts advance together; one that is done takes no more time.
public struct BeamSearch: Sendable, Hashable {
  /// K.
  public let beams: Int
  /// α.
  public let lengthPenalty: Double

  /// - Parameters:
  ///   - beams: At least 1.
  ///   - lengthPenalty: At least 0. Default: 1.
  public init(beams: Int, lengthPenalty: Double = 1) {
    precondition(beams >= 1, "a search has at least 1 beam, not \(beams)")
    precondition(lengthPenalty >= 0, "a length penalty is at least 0, not \(lengthPenalty)")
    self.beams = beams
    self.lengthPenalty = lengthPenalty
  }

  /// - Parameters:
  ///   - continuation: The texts, none begun.
  ///   - ends: Each of them ends a text.
  ///   - maxTokens: The most tokens that a text gains, at least 1; never more than the continuation
  ///     allows.
  ///   - vocabularyCount: Only tokens below this are chosen, for models whose embedding is padded;
  ///     nil: all V. Default: nil.
  ///   - workspace: Computes.
  /// - Returns: The best continuation of each text.
  /// - Throws: `NotFiniteLogitsError`.
  public func run(
    _ continuation: some Continuation, ends: Set<Int32>, maxTokens: Int,
    vocabularyCount: Int? = nil,
    in workspace: Workspace
  ) throws -> [Hypothesis] {
    try workspace.withoutRecording {
      var searches = (0..<continuation.textCount).map {
        TextSearch(
          self, text: $0, ends: ends, limit: min(maxTokens, continuation.limit(of: $0)))
      }
      var results = [Hypothesis?](repeating: nil, count: searches.count)
      var logits = continuation.begin(rowsPerText: beams)
      while true {
        let columns = vocabularyCount ?? logits.shape.last
        try requireFinite(
          logits, columns: columns, of: continuation, searches)
        let likeliest = logits.likeliest(min(candidateCount(ends: ends), columns), among: columns)
        var row = 0
        for index in searches.indices {
          row += searches[index].advance(likeliest, from: row)
          if let result = searches[index].result { results[searches[index].text] = result }
        }
        let rows = searches.enumerated().flatMap { place, search in
          search.result == nil ? search.beams.map { place * beams + $0.parent } : []
        }
        searches.removeAll { $0.result != nil }
        if searches.isEmpty { break }
        continuation.select(rows)
        logits = continuation.logits(after: searches.flatMap { $0.beams.compactMap(\.tokens.last) })
      }
      return results.compactMap { $0 }
    }
  }

  /// How many continuations of a text's beams are looked at, so that K of them can go on.
  fileprivate func candidateCount(ends: Set<Int32>) -> Int { max(2, 1 + ends.count) * beams }

  /// Refuses logits that can not be compared.
  private func requireFinite(
    _ logits: Tensor, columns: Int, of continuation: some Continuation, _ searches: [TextSearch]
  ) throws {
    let width = logits.shape.last
    try logits.withElements { elements in
      var row = 0
      for search in searches {
        for beam in search.beams {
          try UnsafeBufferPointer(rebasing: elements[row * width..<row * width + columns])
            .requireFinite(
              text: search.text,
              position: continuation.firstPosition(of: search.text) + beam.tokens.count)
          row += 1
        }
      }
    }
  }
}

/// The search for the best continuation of one text.
private struct TextSearch {
  /// A continuation that goes on.
  struct Beam {
    /// At least one token, once begun.
    let tokens: [Int32]
    /// log p of these, nats.
    let logProbability: Double
    /// Which of the beams before this one continues.
    let parent: Int
  }

  /// Which of the texts.
  let text: Int
  private let options: BeamSearch
  private let ends: Set<Int32>
  private let limit: Int
  /// K of them, the likeliest first, once begun.
  private(set) var beams = [Beam(tokens: [], logProbability: 0, parent: 0)]
  private var finishedCount = 0
  private var best: (hypothesis: Hypothesis, score: Double)?
  /// The best continuation, when the search is over.
  private(set) var result: Hypothesis?

  init(_ options: BeamSearch, text: Int, ends: Set<Int32>, limit: Int) {
    self.options = options
    self.text = text
    self.ends = ends
    self.limit = limit
  }

  private typealias Candidate = (logProbability: Double, beam: Int, token: Int32)

  /// Continues all beams by one token.
  ///
  /// - Parameters:
  ///   - likeliest: Next tokens, of which this text's beams have the rows from `row` on.
  /// - Returns: How many rows that were.
  mutating func advance(_ likeliest: LikeliestColumns, from row: Int) -> Int {
    let rowCount = beams.count
    var survivors: [Beam] = []
    for (rank, candidate) in candidates(likeliest, from: row).enumerated() {
      let tokens = beams[candidate.beam].tokens
      if ends.contains(candidate.token) {
        if rank < options.beams {
          finish(tokens, hasEnded: true, logProbability: candidate.logProbability)
        }
      } else if survivors.count < options.beams {
        survivors.append(
          Beam(
            tokens: tokens + [candidate.token], logProbability: candidate.logProbability,
            parent: candidate.beam))
        if tokens.count + 1 == limit && rank < options.beams {
          finish(
            tokens + [candidate.token], hasEnded: false, logProbability: candidate.logProbability)
        }
      }
    }
    if isOver(survivors) {
      result = best?.hypothesis
      return rowCount
    }
    // There are fewer only where the vocabulary has fewer tokens than there are beams.
    while let last = survivors.last, survivors.count < options.beams {
      survivors.append(
        Beam(tokens: last.tokens, logProbability: -.infinity, parent: last.parent))
    }
    beams = survivors
    return rowCount
  }

  /// The likeliest continuations of the beams by one token, the likeliest first.
  private func candidates(_ likeliest: LikeliestColumns, from row: Int) -> [Candidate] {
    var found: [Candidate] = []
    for (index, beam) in beams.enumerated() where beam.logProbability > -.infinity {
      for rank in 0..<likeliest.count {
        let (token, logProbability) = likeliest[row + index, rank]
        found.append((beam.logProbability + logProbability, index, token))
      }
    }
    found.sort {
      $0.logProbability != $1.logProbability
        ? $0.logProbability > $1.logProbability : ($0.beam, $0.token) < ($1.beam, $1.token)
    }
    return Array(found.prefix(options.candidateCount(ends: ends)))
  }

  private mutating func finish(_ tokens: [Int32], hasEnded: Bool, logProbability: Double) {
    let hypothesis = Hypothesis(
      tokens: tokens, hasEnded: hasEnded, logProbability: logProbability)
    let score = hypothesis.score(lengthPenalty: options.lengthPenalty)
    if best.map({ score > $0.score }) ?? true { best = (hypothesis, score) }
    finishedCount += 1
  }

  /// Whether no more can be found, or nothing that is better.
  private func isOver(_ survivors: [Beam]) -> Bool {
    guard let likeliest = survivors.first, likeliest.tokens.count < limit else { return true }
    if finishedCount >= options.beams { return true }
    let norm = Hypothesis.norm(length: limit, lengthPenalty: options.lengthPenalty)
    return best.map { $0.score >= likeliest.logProbability / norm } ?? false
  }
}
