import Tensors
import TestSupport
import Testing

@Suite struct CrossEntropyTests {
  @Test(arguments: [(1, 1, 2), (4, 17, 15), (9, 8, 16), (65, 5, 17), (130, 3, 65), (3, 33, 130)])
  func lossAndGradientsFollowTheFormula(rows: Int, width: Int, classes: Int) {
    var generator = SeededGenerator(seed: 9)
    var targets = generator.integers(rows, in: 0..<Int32(classes))
    if rows > 2 { targets[1] = -1 }
    let checker = GradientChecker {
      $0[0].linearCrossEntropy(weight: $0[1], targets: Indices(targets, shape: [rows]))
    }
    let inputs =
      ElementwiseTests.inputs(1, [rows, width])
      + ElementwiseTests.inputs(
        1, [classes, width], seed: 4)
    let failures = checker.failures(inputs: inputs) { values in
      let weight = Naive.transposed(values[1], rows: classes, columns: width)
      let logits = Naive.product(
        values[0], weight, rows: rows, inner: width, columns: classes)
      return [Naive.crossEntropy(logits, targets: targets, classes: classes)]
    }
    #expect(failures == [])
  }

  /// So many classes that a chunk of logits holds 64 rows: see `LogitChunks`.
  @Test func chunksOfRowsGiveWhatTheirRowsGiveAlone() {
    let (rows, width, classes) = (150, 2, 270_000)
    var generator = SeededGenerator(seed: 10)
    var targets = generator.integers(rows, in: 0..<Int32(classes))
    targets[149] = -1
    let x = generator.normals(rows * width)
    let weight = generator.normals(classes * width)
    let workspace = Workspace()

    func run(_ range: Range<Int>) -> (loss: Float, x: [Float], weight: [Float]) {
      let x = Leaf(
        Array(x[range.lowerBound * width..<range.upperBound * width]),
        shape: [range.count, width], in: workspace)
      let weight = Leaf(weight, shape: [classes, width], in: workspace)
      let loss = x.tensor.linearCrossEntropy(
        weight: weight.tensor, targets: Indices(Array(targets[range]), shape: [range.count]))
      loss.backward()
      return (loss.item, x.gradient, weight.gradient)
    }

    let whole = run(0..<rows)
    let parts = [run(0..<50), run(50..<100), run(100..<rows)]
    let loss = parts.reduce(0) { $0 + Double($1.loss) }
    #expect(abs(Double(whole.loss) - loss) < 1e-6 * loss)
    for (a, b) in zip(whole.x, parts.flatMap(\.x)) { #expect(abs(a - b) < 1e-5) }
    let largest = zip(whole.weight.indices, whole.weight).map { index, a in
      abs(a - parts.reduce(0) { $0 + $1.weight[index] })
    }.max()
    #expect(largest ?? 1 < 1e-5)
  }

  @Test func ignoredRowsLoseNothingAndLearnNothing() {
    let workspace = Workspace()
    let x = Leaf([1, 2, 3, 4], shape: [2, 2], in: workspace)
    let weight = Leaf([1, 0, 0, 1, 1, 1], shape: [3, 2], in: workspace)
    let loss = x.tensor.linearCrossEntropy(
      weight: weight.tensor, targets: Indices([-1, -100], shape: [2]))
    loss.backward()
    #expect(loss.item == 0)
    #expect(x.gradient == [0, 0, 0, 0])
    #expect(weight.gradient == [0, 0, 0, 0, 0, 0])
  }

  @Test func largeLogitsStayFinite() {
    let workspace = Workspace()
    let x = Leaf([1000, -1000], shape: [2, 1], in: workspace)
    let weight = Tensor([1, -1, 0.5], shape: [3, 1], in: workspace)
    let loss = x.tensor.linearCrossEntropy(weight: weight, targets: Indices([1, 1], shape: [2]))
    loss.backward()
    #expect(loss.item == 2000)
    #expect(x.gradient[0] == 2 && abs(x.gradient[1]) < 1e-30)
  }

  @Test(arguments: [Float.nan, .infinity])
  func logitsThatAreNotFiniteGiveALossThatIsNot(value: Float) {
    let workspace = Workspace()
    for place in [0, 20] {
      var weight = [Float](repeating: 0.5, count: 33)
      weight[place] = value
      let loss = Tensor([1], shape: [1, 1], in: workspace).linearCrossEntropy(
        weight: Tensor(weight, shape: [33, 1], in: workspace), targets: Indices([3], shape: [1]))
      #expect(!loss.item.isFinite)
    }
  }

  @Test func threadsDoNotChangeLargeLosses() {
    var generator = SeededGenerator(seed: 11)
    let targets = Indices(generator.integers(200, in: -1..<1000), shape: [2, 100])
    let checker = GradientChecker { $0[0].linearCrossEntropy(weight: $0[1], targets: targets) }
    let inputs =
      ElementwiseTests.inputs(1, [2, 100, 130]) + ElementwiseTests.inputs(1, [1000, 130], seed: 4)
    #expect(checker.bitFailures(inputs: inputs) == [])
  }
}
