import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

@Suite struct PackedDocumentsTests {
  /// Where the document of each position begins, for documents of these lengths.
  static func starts(_ lengths: [[Int]]) -> Indices {
    Indices(
      lengths.flatMap { lengths in
        lengths.indices.flatMap { index in
          Array(repeating: Int32(lengths[..<index].reduce(0, +)), count: lengths[index])
        }
      }, shape: [lengths.count, lengths[0].reduce(0, +)])
  }

  /// Two sequences of 80 positions, so that blocks of queries see several documents.
  static let lengths = [[7, 1, 33, 9, 30], [80]]

  /// Conversations that are measured take no more positions and sequences than they need, about.
  @Test(arguments: ["gpt", "llama"], [1, 3])
  func aBatchWithoutWhatIsEmptyHasTheSameLoss(name: String, threads: Int) {
    func losses(_ bound: BoundModel<some LanguageModel>) -> [Float] {
      for index in bound.values.indices { bound.values[index] *= 4 }
      let (tokens, targets) = GPTTests.batch(sequences: 1, positions: 80, vocabulary: 50)
      return [(1, 80), (1, 150), (3, 80), (4, 300)].map { sequences, positions in
        let empty = sequences * positions - 80
        let starts =
          Self.starts([Self.lengths[0]]).elements
          + (80..<sequences * positions).map { Int32($0 % positions) }
        let shape: Shape = [sequences, positions]
        return bound.workspace.withoutRecording {
          bound.model.loss(
            of: Indices(tokens.elements + [Int32](repeating: 0, count: empty), shape: shape),
            targets: Indices(
              targets.elements + [Int32](repeating: -1, count: empty), shape: shape),
            documents: PackedDocuments(starts: Indices(starts, shape: shape))
          ).item
        }
      }
    }
    let found =
      name == "gpt"
      ? losses(BoundModel(GPT(.small(context: 300), vocabularyCount: 50), threads: threads))
      : losses(
        BoundModel(
          Llama(TextModelTests.llama(context: 300), vocabularyCount: 50), threads: threads))
    #expect(Set(found).count == 1, "\(found)")
  }

  struct Outcome {
    let loss: Double
    let gradient: [Double]
  }

  /// The loss of all documents, packed or each in a batch of its own.
  static func outcome(packed: Bool, recompute: Bool = false) -> Outcome {
    let bound = BoundModel(
      GPT(.small(context: 80, recompute: recompute), vocabularyCount: 50))
    let (tokens, targets) = GPTTests.batch(sequences: 2, positions: 80, vocabulary: 50)
    func differentiate(_ loss: () -> Tensor) -> Outcome {
      Outcome(loss: Double(bound.withGradient(loss)), gradient: bound.gradient.map(Double.init))
    }
    if packed {
      return differentiate {
        bound.model.loss(
          of: tokens, targets: targets, documents: PackedDocuments(starts: starts(lengths)))
      }
    }
    var parts: [Outcome] = []
    for (sequence, lengths) in lengths.enumerated() {
      var start = sequence * 80
      for length in lengths {
        let range = start..<start + length
        parts.append(
          differentiate {
            bound.model.loss(
              of: Indices(Array(tokens.elements[range]), shape: [1, length]),
              targets: Indices(Array(targets.elements[range]), shape: [1, length]))
          })
        start += length
      }
    }
    return Outcome(
      loss: parts.reduce(0) { $0 + $1.loss },
      gradient: parts[0].gradient.indices.map { index in
        parts.reduce(0) { $0 + $1.gradient[index] }
      })
  }

  @Test func aPackedSequenceLosesWhatItsDocumentsLoseAlone() {
    let (packed, apart) = (Self.outcome(packed: true), Self.outcome(packed: false))
    #expect(abs(packed.loss / apart.loss - 1) < 1e-6)
    let largest = apart.gradient.reduce(0) { max($0, abs($1)) }
    for (a, b) in zip(packed.gradient, apart.gradient) { #expect(abs(a - b) < 1e-5 * largest) }
  }

  @Test func recomputationChangesNoBitOfPackedSequences() {
    let (kept, recomputed) = (
      Self.outcome(packed: true), Self.outcome(packed: true, recompute: true)
    )
    #expect(kept.loss == recomputed.loss)
    #expect(kept.gradient == recomputed.gradient)
  }

  @Test func aChangedDocumentChangesNothingInItsNeighbours() {
    let bound = BoundModel(GPT(.small(context: 80), vocabularyCount: 50))
    let (tokens, _) = GPTTests.batch(sequences: 2, positions: 80, vocabulary: 50)
    let documents = PackedDocuments(starts: Self.starts(Self.lengths))
    func states(_ tokens: [Int32]) -> [Float] {
      bound.model.states(
        of: Indices(tokens, shape: [2, 80]), documents: documents, cache: nil
      ).elements
    }
    var changed = tokens.elements
    for place in 8..<41 { changed[place] = (changed[place] + 1) % 50 }
    let (before, after) = (states(tokens.elements), states(changed))
    for position in 0..<160 {
      let row = position * 32..<(position + 1) * 32
      #expect((before[row] == after[row]) != (8..<41).contains(position))
    }
  }
}
