// B texts, V vocabulary.

import LockstepModels
import LockstepTensors
import Testing

/// Decoding of what a damaged model says: refused with its place, by every method.
@Suite struct NotFiniteLogitsTests {
  /// Three texts of which the second goes wrong at its third token, in the last column.
  private final class Damaged: Continuation {
    private let workspace: Workspace
    private let value: Float
    /// Which text each row is.
    private var rows: [Int] = []
    private var position = 0
    let textCount = 3

    init(_ value: Float, in workspace: Workspace) {
      (self.value, self.workspace) = (value, workspace)
    }

    func limit(of text: Int) -> Int { 10 }

    func begin(rowsPerText: Int) -> Tensor {
      let logits = logits(of: [0, 1, 2])
      rows = [0, 1, 2].flatMap { [Int](repeating: $0, count: rowsPerText) }
      return logits
    }

    func logits(after tokens: [Int32]) -> Tensor {
      position += 1
      return logits(of: rows)
    }

    func select(_ chosen: [Int]) { rows = chosen.map { rows[$0] } }

    private func logits(of texts: [Int]) -> Tensor {
      let elements = texts.flatMap { text -> [Float] in
        [1, 2, 0.5, 0.25] + [position == 2 && text == 1 ? value : 0]
      }
      return Tensor(elements, shape: [texts.count, 5], in: workspace)
    }
  }

  private static let methods: [DecodingMethod] = [
    .beamSearch(BeamSearch(beams: 1)), .beamSearch(BeamSearch(beams: 3)),
    .sampling(SamplingOptions(temperature: 0)),
    .sampling(SamplingOptions(temperature: 1, topK: 3, topP: 0.9)),
  ]

  @Test(arguments: methods.indices, [Float.nan, .infinity, -.infinity])
  func theTextAndThePositionAreNamed(method: Int, value: Float) {
    let workspace = Workspace(threadCount: 1)
    let error = #expect(throws: NotFiniteLogitsError.self) {
      try Self.methods[method].run(
        Damaged(value, in: workspace), end: nil, maxTokens: 10, in: workspace)
    }
    #expect(error == NotFiniteLogitsError(text: 1, position: 2))
    #expect(error?.description.contains("not finite at position 2 of the text") == true)
  }

  @Test(arguments: methods.indices) func whatIsNotLookedAtMayBeAnything(method: Int) throws {
    let workspace = Workspace(threadCount: 1)
    let found = try Self.methods[method].run(
      Damaged(.nan, in: workspace), end: nil, maxTokens: 10, vocabularyCount: 4, in: workspace)
    #expect(found.map(\.tokens.count) == [10, 10, 10])
  }

  @Test func aDamagedModelContinuesNothing() throws {
    let bound = BoundModel(GPT(.small(), vocabularyCount: 29))
    let whole = bound.values[5]
    bound.values[5] = .nan
    func makeGenerator() -> TextGenerator {
      TextGenerator(
        model: bound.model, workspace: bound.workspace, prompt: [0, 1, 2], sampler: TokenSampler())
    }
    let generator = makeGenerator()
    for _ in 1...2 {
      #expect(throws: NotFiniteLogitsError(position: 3)) { try generator.next() }
    }
    // Nothing of what went wrong is left behind.
    bound.values[5] = whole
    let other = makeGenerator()
    for _ in 1...3 { #expect(try generator.next() == other.next()) }
  }
}
