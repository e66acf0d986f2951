import LockstepTensors
import TestSupport
import Testing

@Suite struct RotaryTests {
  @Test(arguments: [(2, 0), (30, 3), (32, 1), (34, 0), (130, 7)])
  func pairsOfColumnsTurnWithThePosition(width: Int, start: Int) {
    let (sequences, positions, count) = (2, 5, 3)
    var checker = GradientChecker {
      Heads($0[0], count: count, width: width)
        .rotated(by: RotaryFrequencies(headWidth: width), from: [start]).tensor
    }
    // Angles are rounded to single precision, as in the models that use them.
    checker.tolerance = 2e-5
    let inputs = ElementwiseTests.inputs(1, [sequences, positions, count * width])
    let failures = checker.failures(inputs: inputs) { x in
      Naive.rotary(
        Naive.Heads(x[0], rows: positions, columns: count * width, count: count, width: width),
        base: 10_000, start: start)
    }
    #expect(failures == [])
  }

  @Test func headsMayBeAnyColumnsOfTheirTensor() {
    let (sequences, positions, columns) = (2, 70, 20)
    let checker = GradientChecker {
      Heads($0[0], offset: 3, count: 2, width: 6)
        .rotated(by: RotaryFrequencies(base: 500, headWidth: 6), from: [1]).tensor
    }
    let inputs = ElementwiseTests.inputs(1, [sequences, positions, columns])
    let failures = checker.failures(inputs: inputs) { x in
      Naive.rotary(
        Naive.Heads(x[0], rows: positions, columns: columns, offset: 3, count: 2, width: 6),
        base: 500, start: 1)
    }
    #expect(failures == [])
  }

  @Test func scoresDependOnTheDistanceAlone() {
    let workspace = Workspace()
    var generator = SeededGenerator(seed: 6)
    let frequencies = RotaryFrequencies(headWidth: 16)
    let q = Heads(
      Tensor(generator.normals(16), shape: [1, 1, 16], in: workspace), count: 1, width: 16)
    let k = Heads(
      Tensor(generator.normals(16), shape: [1, 1, 16], in: workspace), count: 1, width: 16)
    func score(_ query: Int, _ key: Int) -> Float {
      (q.rotated(by: frequencies, from: [query]).tensor
        * k.rotated(by: frequencies, from: [key]).tensor)
        .sum().item
    }
    #expect(abs(score(10, 3) - score(207, 200)) < 1e-4)
    #expect(abs(score(10, 3) - score(10, 4)) > 1e-3)
  }

  @Test func angleTablesAreAccurateFarOut() {
    let workspace = Workspace()
    let ones = Tensor([1, 0], shape: [1, 1, 2], in: workspace)
    for position in [1, 100, 8_191, 131_071] {
      let turned = Heads(ones, count: 1, width: 2).rotated(
        by: RotaryFrequencies([1]), from: [position]
      ).tensor.elements
      let expected = Naive.rotary(
        Naive.Heads([1, 0], rows: 1, columns: 2, count: 1, width: 2), base: 1, start: position)
      for (a, b) in zip(turned, expected) { #expect(abs(Double(a) - b) < 1e-7) }
    }
  }

  @Test func threadsDoNotChangeRotations() {
    let checker = GradientChecker {
      Heads($0[0], offset: 1, count: 3, width: 34)
        .rotated(by: RotaryFrequencies(headWidth: 34)).tensor
    }
    #expect(checker.bitFailures(inputs: ElementwiseTests.inputs(1, [3, 200, 110])) == [])
  }
}
