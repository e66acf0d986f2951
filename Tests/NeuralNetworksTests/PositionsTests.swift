import Foundation
import LockstepNeuralNetworks
import LockstepTensors
import Testing

@Suite struct PositionsTests {
  @Test func sinusoidsFollowTheFormulaOfAttentionIsAllYouNeed() {
    let positions = SinusoidalPositions(positions: 200, width: 10)
    let zeros = Tensor(repeating: 0, shape: [2, 5, 10], in: Workspace())
    let output = positions(zeros, from: 190).elements
    for (index, value) in output.enumerated() {
      let position = Double(190 + index / 10 % 5)
      let column = index % 10
      let angle = position / pow(10_000, Double(column / 2 * 2) / 10)
      let expected = column % 2 == 0 ? sin(angle) : cos(angle)
      // The frequencies are 32-bit numbers.
      #expect(abs(Double(value) - expected) < 2e-5)
    }
    #expect(positions.namedParameters.isEmpty)
  }

  @Test func learnedPositionsAddTheirRows() {
    let layer = LearnedPositions(positions: 3, width: 2)
    let store = ParameterStore(of: layer)
    let workspace = Workspace()
    let values = FloatMemory(count: store.flatCount)
    for index in 0..<6 { values.elements[index] = Float(index) }
    store.bind(to: values, in: workspace)
    let x = Tensor(repeating: 10, shape: [2, 2, 2], in: workspace)
    #expect(layer(x, from: 1).elements == [12, 13, 14, 15, 12, 13, 14, 15])
  }
}
