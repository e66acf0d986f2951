import LockstepTensors
import TestSupport
import Testing

@Suite struct ElementwiseTests {
  static let counts = [1, 15, 16, 17, 63, 64, 65, 130]

  static func inputs(_ count: Int, _ shape: Shape, seed: UInt64 = 3) -> [GradientChecker.Input] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in .init(generator.normals(shape.count), shape: shape) }
  }

  @Test(arguments: counts)
  func sumsAddElements(count: Int) {
    let checker = GradientChecker { $0[0] + $0[1] }
    let inputs = Self.inputs(2, [count])
    #expect(checker.failures(inputs: inputs) { zip($0[0], $0[1]).map(+) } == [])
  }

  @Test(arguments: counts)
  func differencesSubtractElements(count: Int) {
    let checker = GradientChecker { $0[0] - $0[1] }
    let inputs = Self.inputs(2, [count])
    #expect(checker.failures(inputs: inputs) { zip($0[0], $0[1]).map(-) } == [])
  }

  @Test(arguments: counts)
  func productsMultiplyElements(count: Int) {
    let checker = GradientChecker { $0[0] * $0[1] }
    let inputs = Self.inputs(2, [count])
    #expect(checker.failures(inputs: inputs) { zip($0[0], $0[1]).map(*) } == [])
  }

  @Test(arguments: counts)
  func scalingMultipliesByANumber(count: Int) {
    let checker = GradientChecker { $0[0] * 0.75 }
    #expect(checker.failures(inputs: Self.inputs(1, [count])) { $0[0].map { $0 * 0.75 } } == [])
  }

  @Test(arguments: counts)
  func sumAddsAllElements(count: Int) {
    let checker = GradientChecker { $0[0].sum() }
    #expect(checker.failures(inputs: Self.inputs(1, [count])) { [$0[0].reduce(0, +)] } == [])
  }

  @Test func reshapingKeepsElementsAndGradients() {
    let checker = GradientChecker { $0[0].reshaped(to: [5, 2, 3]) * $0[1] }
    let inputs = Self.inputs(1, [6, 5]) + Self.inputs(1, [5, 2, 3], seed: 4)
    #expect(checker.failures(inputs: inputs) { zip($0[0], $0[1]).map(*) } == [])
  }

  @Test func aRowInFrontOfTheFirstIsRefused() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor([Float](repeating: 1, count: 20), shape: [4, 5], in: Workspace()).row(-1)
    }
  }

  @Test func aTensorPlusItselfHasTwiceTheGradient() {
    let checker = GradientChecker { $0[0] + $0[0] }
    #expect(checker.failures(inputs: Self.inputs(1, [33])) { $0[0].map { 2 * $0 } } == [])
  }

  @Test func aTensorTimesItselfIsItsSquare() {
    let checker = GradientChecker { $0[0] * $0[0] }
    #expect(checker.failures(inputs: Self.inputs(1, [33])) { $0[0].map { $0 * $0 } } == [])
  }

  @Test func threadsDoNotChangeLargeElementwiseResults() {
    let shape: Shape = [3, 33_333]
    let checker = GradientChecker { ($0[0] + $0[1]) * $0[0] - $0[1] * 0.3 }
    #expect(checker.bitFailures(inputs: Self.inputs(2, shape)) == [])
    #expect(GradientChecker { $0[0].sum() }.bitFailures(inputs: Self.inputs(1, shape)) == [])
  }
}
