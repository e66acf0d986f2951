import LockstepTensors
import TestSupport
import Testing

@Suite struct EmbeddingTests {
  @Test(arguments: [1, 15, 16, 17, 65])
  func rowsAreLookedUpAndRepeatedRowsGatherGradients(width: Int) {
    let tokens: [Int32] = [4, 0, 4, 2, 2, 4, 6, 0]  // 1, 3 and 5 are never used
    let checker = GradientChecker { $0[0].rows(at: Indices(tokens, shape: [2, 4])) }
    let failures = checker.failures(inputs: ElementwiseTests.inputs(1, [7, width])) { values in
      tokens.flatMap { values[0][Int($0) * width..<(Int($0) + 1) * width] }
    }
    #expect(failures == [])
  }

  @Test(arguments: [0, 2])
  func positionsAreAddedToEverySequence(start: Int) {
    let (sequences, positions, width) = (3, 5, 17)
    let inputs =
      ElementwiseTests.inputs(1, [sequences, positions, width])
      + ElementwiseTests.inputs(1, [9, width], seed: 6)
    let checker = GradientChecker { $0[0].addingPositions($0[1], from: start) }
    let failures = checker.failures(inputs: inputs) { values in
      values[0].enumerated().map { index, x in
        x + values[1][start * width + index % (positions * width)]
      }
    }
    #expect(failures == [])
  }

  @Test func noSequencesLeaveTheTableWithoutAGradient() {
    let workspace = Workspace()
    let table = Tensor.variable([Float](repeating: 1, count: 20), shape: [4, 5], in: workspace)
    let x = Tensor([], shape: [0, 3, 5], in: workspace)
    x.addingPositions(table).sum().backward()
    #expect(table.gradient == [Float](repeating: 0, count: 20))
  }

  @Test func positionsBeforeTheTableAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let workspace = Workspace()
      let table = Tensor([Float](repeating: 1, count: 20), shape: [4, 5], in: workspace)
      let x = Tensor([Float](repeating: 1, count: 10), shape: [1, 2, 5], in: workspace)
      _ = x.addingPositions(table, from: -1)
    }
  }

  @Test func threadsDoNotChangeLargeEmbeddings() {
    var generator = SeededGenerator(seed: 2)
    let tokens = Indices(generator.integers(4 * 100, in: 0..<50), shape: [4, 100])
    let checker = GradientChecker { $0[0].rows(at: tokens).addingPositions($0[1]) }
    let inputs =
      ElementwiseTests.inputs(1, [50, 130]) + ElementwiseTests.inputs(1, [110, 130], seed: 6)
    #expect(checker.bitFailures(inputs: inputs) == [])
  }
}
