import LockstepTensors
import TestSupport
import Testing

@Suite struct CrossEntropyTests {
  @Test(
    arguments: [(1, 1, 2), (4, 17, 15), (9, 8, 16), (65, 5, 17), (130, 3, 65), (3, 33, 130)],
    [0, 0.125])
  func lossAndGradientsFollowTheFormula(sizes: (Int, Int, Int), smoothing: Float) {
    let (rows, width, classes) = sizes
    var generator = SeededGenerator(seed: 9)
    var targets = generator.integers(rows, in: 0..<Int32(classes))
    if rows > 2 { targets[1] = -1 }
    let checker = GradientChecker {
      $0[0].linearCrossEntropy(
        weight: $0[1], targets: Indices(targets, shape: [rows]), labelSmoothing: smoothing)
    }
    let inputs =
      ElementwiseTests.inputs(1, [rows, width])
      + ElementwiseTests.inputs(
        1, [classes, width], seed: 4)
    let failures = checker.failures(inputs: inputs) { values in
      let weight = Naive.transposed(values[1], rows: classes, columns: width)
      let logits = Naive.product(
        values[0], weight, rows: rows, inner: width, columns: classes)
      return [
        Naive.crossEntropy(
          logits, targets: targets, classes: classes, smoothing: Double(smoothing))
      ]
    }
    #expect(failures == [])
  }

  /// Each row has a gradient of its own, one of them 0.
  @Test(arguments: [(1, 1, 2), (4, 17, 15), (65, 5, 17), (130, 3, 65)])
  func rowsHaveLossesAndGradientsOfTheirOwn(sizes: (Int, Int, Int)) {
    let (rows, width, classes) = sizes
    var generator = SeededGenerator(seed: 15)
    var targets = generator.integers(rows, in: 0..<Int32(classes))
    if rows > 2 { targets[1] = -1 }
    let factors = (0..<rows).map { Float($0 % 5) / 2 - 1 }
    let checker = GradientChecker { inputs in
      let losses = inputs[0].linearCrossEntropies(
        weight: inputs[1], targets: Indices(targets, shape: [rows]))
      return losses * Tensor(factors, shape: [rows], in: losses.workspace)
    }
    let inputs =
      ElementwiseTests.inputs(1, [rows, width])
      + ElementwiseTests.inputs(1, [classes, width], seed: 4)
    let failures = checker.failures(inputs: inputs) { values in
      let weight = Naive.transposed(values[1], rows: classes, columns: width)
      let logits = Naive.product(
        values[0], weight, rows: rows, inner: width, columns: classes)
      return (0..<rows).map { row in
        Double(factors[row])
          * Naive.crossEntropy(
            Array(logits[row * classes..<(row + 1) * classes]), targets: [targets[row]],
            classes: classes, smoothing: 0)
      }
    }
    #expect(failures == [])
  }

  @Test(arguments: [0, 0.2]) func aBiasIsAddedToTheLogits(smoothing: Float) {
    let (rows, width, classes) = (7, 5, 37)
    var generator = SeededGenerator(seed: 14)
    var targets = generator.integers(rows, in: 0..<Int32(classes))
    targets[3] = -1
    let checker = GradientChecker {
      $0[0].linearCrossEntropy(
        weight: $0[1], bias: $0[2], targets: Indices(targets, shape: [rows]),
        labelSmoothing: smoothing)
    }
    let inputs =
      ElementwiseTests.inputs(1, [rows, width])
      + ElementwiseTests.inputs(1, [classes, width], seed: 4)
      + ElementwiseTests.inputs(1, [classes], seed: 5)
    let failures = checker.failures(inputs: inputs) { values in
      let logits = Naive.linear(
        values[0], weight: Naive.transposed(values[1], rows: classes, columns: width),
        bias: values[2], rows: rows, inputs: width, outputs: classes)
      return [
        Naive.crossEntropy(
          logits, targets: targets, classes: classes, smoothing: Double(smoothing))
      ]
    }
    #expect(failures == [])
  }

  /// With the identity as its weight, the head is the loss of the fixture.
  @Test func smoothedLossesAndGradientsEqualThoseOfPyTorch() throws {
    let cases = try LossTests.cases().filter { $0.name == "cross-entropy" }
    #expect(cases.contains { $0.option > 0 } && cases.contains { $0.targets.contains(-1) })
    for expected in cases {
      let workspace = Workspace()
      let (rows, classes) = (expected.shape[0], expected.shape[1])
      let logits = Leaf(expected.outputs, shape: Shape(expected.shape), in: workspace)
      let identity = (0..<classes * classes).map { Float($0 % (classes + 1) == 0 ? 1 : 0) }
      let loss = logits.tensor.linearCrossEntropy(
        weight: Tensor(identity, shape: [classes, classes], in: workspace),
        targets: Indices(expected.targets.map { Int32($0) }, shape: [rows]),
        labelSmoothing: Float(expected.option))
      loss.backward()
      #expect(abs(Double(loss.item) - expected.loss) < 1e-6 * expected.loss)
      for (slope, exact) in zip(logits.gradient, expected.gradient) {
        #expect(abs(Double(slope) - exact) < 1e-6)
      }
    }
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

  /// Ignored rows are left out of the products: the others get the bits that they have alone, and
  /// rows that are not finite do no harm.
  @Test(arguments: [[0, 1], [4], [1, 3, 5], [2, 3, 4, 5]])
  func ignoredRowsAreAsIfTheyWereNotThere(counted: [Int]) {
    var generator = SeededGenerator(seed: 13)
    let (rows, width, classes) = (6, 5, 19)
    var values = generator.normals(rows * width)
    let weights = generator.normals(classes * width)
    var targets = [Int32](repeating: -1, count: rows)
    for row in counted { targets[row] = Int32(3 * row) }
    for row in 0..<rows where !counted.contains(row) { values[row * width] = .nan }

    func run(_ rows: [Int]) -> (loss: Float, x: [Float], weight: [Float]) {
      let workspace = Workspace()
      let x = Leaf(
        rows.flatMap { values[$0 * width..<($0 + 1) * width] }, shape: [rows.count, width],
        in: workspace)
      let weight = Leaf(weights, shape: [classes, width], in: workspace)
      let loss = x.tensor.linearCrossEntropy(
        weight: weight.tensor, targets: Indices(rows.map { targets[$0] }, shape: [rows.count]),
        labelSmoothing: 0.25)
      loss.backward()
      return (loss.item, x.gradient, weight.gradient)
    }

    let (whole, alone) = (run(Array(0..<rows)), run(counted))
    #expect(whole.loss == alone.loss)
    #expect(whole.weight == alone.weight)
    for row in 0..<rows {
      let gradient = Array(whole.x[row * width..<(row + 1) * width])
      let expected =
        counted.firstIndex(of: row).map { Array(alone.x[$0 * width..<($0 + 1) * width]) }
      #expect(gradient == expected ?? [Float](repeating: 0, count: width))
    }
  }

  /// As many buffers, of the same sizes, whatever the number of rows that count.
  @Test func theNumberOfIgnoredRowsAsksForNoFurtherMemory() {
    let workspace = Workspace()
    let weight = Leaf([Float](repeating: 0.5, count: 40), shape: [20, 2], in: workspace)
    func run(_ targets: [Int32]) {
      let x = Leaf([Float](repeating: 1, count: 128), shape: [64, 2], in: workspace)
      x.tensor.linearCrossEntropy(
        weight: weight.tensor, targets: Indices(targets, shape: [64])
      ).backward()
    }
    run((0..<64).map { $0 % 2 == 0 ? 3 : -1 })
    let before = workspace.pool.allocationCount
    for distance in [1, 3, 5, 64] { run((0..<64).map { $0 % distance == 0 ? 3 : -1 }) }
    #expect(workspace.pool.allocationCount == before)
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
