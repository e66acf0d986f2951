import LockstepModels

/// Beam search as `BeamSearch` documents it, one text at a time, without a cache, and without stopping
/// before K continuations have finished.
struct NaiveBeamSearch {
  /// log p of the next token after each text.
  let next: ([Int32]) -> [Double]
  let ends: Set<Int32>
  let maxTokens: Int

  typealias Found = (tokens: [Int32], logProbability: Double)

  func run(beams count: Int, score: (_ logProbability: Double, _ length: Int) -> Double) -> Found {
    var beams: [Found] = [([], 0)]
    var finished: [(found: Found, score: Double)] = []
    for length in 1...maxTokens {
      let all = beams.enumerated().flatMap { beam, text in
        next(text.tokens).enumerated().map { token, logProbability in
          (beam: beam, token: Int32(token), logProbability: text.logProbability + logProbability)
        }
      }
      let sorted = all.sorted {
        $0.logProbability != $1.logProbability
          ? $0.logProbability > $1.logProbability : ($0.beam, $0.token) < ($1.beam, $1.token)
      }
      var survivors: [Found] = []
      for (rank, candidate) in sorted.prefix(max(2, 1 + ends.count) * count).enumerated() {
        let tokens = beams[candidate.beam].tokens
        let isEnd = ends.contains(candidate.token)
        if rank < count && (isEnd || length == maxTokens) {
          let found = (isEnd ? tokens : tokens + [candidate.token], candidate.logProbability)
          finished.append((found, score(candidate.logProbability, length)))
        }
        if !isEnd && survivors.count < count {
          survivors.append((tokens + [candidate.token], candidate.logProbability))
        }
      }
      beams = survivors
      if finished.count >= count { break }
    }
    var best = finished[0]
    for other in finished where other.score > best.score { best = other }
    return best.found
  }
}
