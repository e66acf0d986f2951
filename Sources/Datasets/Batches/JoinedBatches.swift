/// The sequences of several texts under common numbers: those of the first one, then of the next, and so on.
package struct JoinedBatches: SampledBatches {
  private let parts: [any SampledBatches]
  /// The number of the first sequence of each part, and behind them of all together.
  private let starts: [Int]
  /// What some sequences are changed to hold, from a position on.
  private let pieces: [Int: (position: Int, tokens: [Int32])]

  /// - Parameters:
  ///   - parts: At least one, of the same B, M and T.
  ///   - pieces: By the number of a sequence, a piece of text that takes the place of what is there.
  ///     Default: none.
  package init(
    _ parts: [any SampledBatches], pieces: [Int: (position: Int, tokens: [Int32])] = [:]
  ) {
    precondition(!parts.isEmpty && parts.allSatisfy { $0.context == parts[0].context })
    (self.parts, self.pieces) = (parts, pieces)
    starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.sampleCount) }
  }

  package var sequences: Int { parts[0].sequences }
  package var microbatches: Int { parts[0].microbatches }
  package var context: Int { parts[0].context }
  package var sampleCount: Int { starts[parts.count] }

  package func fill(_ batch: inout TokenBatch, step: Int, microbatch: Int) {
    let first = sampleIndex(step: step, microbatch: microbatch, sequence: 0)
    fill(&batch, samples: (first..<first + sequences).map { $0 % sampleCount }[...])
  }

  package func fill(_ batch: inout TokenBatch, samples: ArraySlice<Int>) {
    let each = samples.map { sample in
      let part = (starts.lastIndex { $0 <= sample } ?? 0)
      precondition(part < parts.count, "there is no sequence \(sample)")
      var one = parts[part].emptyBatch()
      parts[part].fill(&one, samples: [sample - starts[part]])
      if let piece = pieces[sample] { one.replace(with: piece.tokens, at: piece.position) }
      return one
    }
    batch = TokenBatch(joining: each)
  }
}

/// Windows that are in memory: texts that nobody wrote down.
package struct WindowBatches: SampledBatches {
  private let windows: [[Int32]]
  package let sequences: Int
  package let microbatches: Int
  package let context: Int

  /// - Parameters:
  ///   - windows: Of T + 1 tokens each.
  ///   - context: T.
  package init(_ windows: [[Int32]], context: Int, sequences: Int = 1, microbatches: Int = 1) {
    precondition(windows.allSatisfy { $0.count == context + 1 })
    (self.windows, self.context) = (windows, context)
    (self.sequences, self.microbatches) = (sequences, microbatches)
  }

  package var sampleCount: Int { windows.count }

  package func fill(_ batch: inout TokenBatch, step: Int, microbatch: Int) {
    let first = sampleIndex(step: step, microbatch: microbatch, sequence: 0)
    fill(&batch, samples: (first..<first + sequences).map { $0 % sampleCount }[...])
  }

  package func fill(_ batch: inout TokenBatch, samples: ArraySlice<Int>) {
    batch.resize(sequences: samples.count, positions: context)
    batch.inputs = samples.flatMap { windows[$0].dropLast() }
    batch.targets = samples.flatMap { windows[$0].dropFirst() }
  }
}
