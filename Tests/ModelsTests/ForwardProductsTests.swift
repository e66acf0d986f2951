// B sequences, T positions, D width, H heads, K head width, V vocabulary.

import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import Testing

@Suite struct ForwardProductsTests {
  /// GPT-2's 124 million parameters, B 4, T 256, counted by hand: 12 layers of 12 D² and the head of
  /// V D for each of 1,024 tokens, and 2 × 256 · 257 / 2 · D for each sequence and layer.
  /// Product by product, attention pair by pair.
  @Test(arguments: [(1, 1), (2, 5), (3, 8)])
  func everyProductIsCounted(sequences: Int, positions: Int) {
    let (layers, heads, headWidth, vocabulary) = (2, 3, 4, 29)
    let width = heads * headWidth
    let bound = BoundModel(
      GPT(
        GPTConfiguration(layers: layers, heads: heads, width: width, context: 8),
        vocabularyCount: vocabulary))
    let (tokens, targets) = GPTTests.batch(
      sequences: sequences, positions: positions, vocabulary: vocabulary)
    var expected = 0
    for _ in 0..<sequences {
      for position in 0..<positions {
        for _ in 0..<layers {
          expected += 3 * width * width + width * width + 2 * width * 4 * width
          for _ in 0..<heads {
            for _ in 0...position { expected += 2 * headWidth }
          }
        }
        expected += width * vocabulary
      }
    }
    let products = bound.products { bound.model.loss(of: tokens, targets: targets) }
    #expect(products.multiplyAdds == expected)
    // Two operations each, and as many for either factor's gradient.
    let before = bound.workspace.products.operations
    _ = bound.withGradient { bound.model.loss(of: tokens, targets: targets) }
    #expect(bound.workspace.products.operations - before == Double(6 * expected))
  }

  @Test func equalShapesAreCountedTogether() {
    var products = ForwardProducts()
    products.add(rows: 2, inner: 3, columns: 5, count: 2)
    products.add(rows: 2, inner: 5, columns: 3)
    products.add(rows: 2, inner: 3, columns: 5)
    #expect(products.weights.map(\.count) == [3, 1])
    #expect(products.multiplyAdds == 4 * 30)
  }
}
