import LockstepTensors

/// Compares an operation with its naive version in double precision, and its gradients with central
/// differences of that version.
///
/// It also checks what holds for every operation: a gradient that already holds something is added
/// to; an input that needs no gradient changes nothing for the others; and neither recording nor the
/// number of threads changes a bit.
public struct GradientChecker {
  /// One input of the operation.
  public struct Input {
    public let shape: Shape
    public let elements: [Float]

    public init(_ elements: [Float], shape: Shape) {
      self.elements = elements
      self.shape = shape
    }
  }

  /// The largest error allowed, relative to the largest magnitude of the compared array.
  public var tolerance = 1e-5
  /// The numbers of threads that must give the same bits.
  public var threadCounts = [2, 3]
  /// Called with each new workspace before the operation runs, to place its random streams.
  public var prepare: (Workspace) -> Void = { _ in }

  private let operation: ([Tensor]) -> Tensor

  /// - Parameter operation: From the inputs to the output. An output of one element is taken for the
  ///   loss itself; any other is multiplied by random weights and summed.
  public init(_ operation: @escaping ([Tensor]) -> Tensor) {
    self.operation = operation
  }

  /// Runs all checks with these inputs.
  ///
  /// - Parameter naive: The same function on plain arrays.
  /// - Returns: What does not hold, in words; nothing where all is well.
  public func failures(
    inputs: [Input], seed: UInt64 = 1, naive: ([[Double]]) -> [Double]
  ) -> [String] {
    var generator = SeededGenerator(seed: seed)
    let all = Set(inputs.indices)
    let result = evaluate(inputs, needing: all, seed: seed)
    let exact = inputs.map { $0.elements.map(Double.init) }
    var failures: [String] = []
    failures += difference("the output", result.output, naive(exact))
    let weights = Self.weights(count: result.output.count, seed: seed)
    func loss(_ values: [[Double]]) -> Double {
      zip(naive(values), weights).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    for index in inputs.indices {
      failures += slopes(
        of: loss, at: exact, input: index, gradient: result.gradients[index], using: &generator)
    }
    failures += additions(inputs, alone: result, seed: seed)
    return failures + changedBits(inputs: inputs, from: result, seed: seed)
  }

  /// Checks only that threads, recording and inputs without gradient do not change a bit: for shapes
  /// too large for the naive version.
  public func bitFailures(inputs: [Input], seed: UInt64 = 1) -> [String] {
    let result = evaluate(inputs, needing: Set(inputs.indices), seed: seed)
    return changedBits(inputs: inputs, from: result, seed: seed)
  }

  private struct Evaluation {
    var output: [Float]
    var gradients: [[Float]]
  }

  private static func weights(count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed &+ 77)
    return count == 1 ? [1] : generator.normals(count)
  }

  /// - Parameter additions: Added to the loss as the inner product with each input, recorded after
  ///   the operation: its backward pass finds gradients that already hold something.
  private func evaluate(
    _ inputs: [Input], needing: Set<Int>, additions: [[Float]]? = nil, threads: Int = 1,
    seed: UInt64
  ) -> Evaluation {
    let workspace = Workspace(threadCount: threads)
    prepare(workspace)
    let leaves = inputs.enumerated().map { index, input in
      Leaf(
        input.elements, shape: input.shape, needsGradient: needing.contains(index), in: workspace)
    }
    let output = operation(leaves.map(\.tensor))
    let elements = output.elements
    guard !needing.isEmpty else { return Evaluation(output: elements, gradients: []) }
    var loss = output.reshaped(to: elements.count == 1 ? [] : output.shape)
    if elements.count != 1 {
      let weights = Tensor(
        Self.weights(count: elements.count, seed: seed), shape: output.shape, in: workspace)
      loss = (output * weights).sum()
    }
    for (leaf, addition) in zip(leaves, additions ?? []) {
      loss = loss + (leaf.tensor * Tensor(addition, shape: leaf.tensor.shape, in: workspace)).sum()
    }
    loss.backward()
    return Evaluation(output: elements, gradients: leaves.map(\.gradient))
  }

  private func slopes(
    of loss: ([[Double]]) -> Double, at values: [[Double]], input: Int, gradient: [Float],
    using generator: inout SeededGenerator
  ) -> [String] {
    let count = values[input].count
    guard count > 0 else { return [] }
    let step = 1e-5
    func slope(along direction: [(index: Int, length: Double)]) -> Double {
      var (ahead, behind) = (values, values)
      for (index, length) in direction {
        ahead[input][index] += step * length
        behind[input][index] -= step * length
      }
      return (loss(ahead) - loss(behind)) / (2 * step)
    }
    var failures: [String] = []
    let scale = max(gradient.reduce(0) { max($0, abs(Double($1))) }, 0.1)
    let places =
      count <= 48 ? Array(0..<count) : Array((0..<count).shuffled(using: &generator)[..<32])
    for index in places {
      let expected = slope(along: [(index, 1)])
      if !(abs(Double(gradient[index]) - expected) <= tolerance * scale) {
        failures.append(
          "gradient of input \(input) at \(index): \(gradient[index]), not \(expected)")
      }
    }
    // Two random directions see every element at once.
    for _ in 0..<2 {
      let direction = generator.normals(count).enumerated().map { ($0.offset, Double($0.element)) }
      let actual = direction.reduce(0) { $0 + Double(gradient[$1.0]) * $1.1 }
      let expected = slope(along: direction)
      if !(abs(actual - expected) <= tolerance * scale * Double(count).squareRoot() * 4) {
        failures.append(
          "slope of input \(input) along a random direction: \(actual), not \(expected)")
      }
    }
    return failures
  }

  private func additions(
    _ inputs: [Input], alone: Evaluation, seed: UInt64
  ) -> [String] {
    var generator = SeededGenerator(seed: seed &+ 5)
    let additions = inputs.map { generator.normals($0.elements.count) }
    let both = evaluate(inputs, needing: Set(inputs.indices), additions: additions, seed: seed)
    return inputs.indices.flatMap { index in
      difference(
        "the gradient of input \(index), used twice,", both.gradients[index],
        zip(alone.gradients[index], additions[index]).map { Double($0) + Double($1) })
    }
  }

  private func changedBits(inputs: [Input], from result: Evaluation, seed: UInt64) -> [String] {
    var failures: [String] = []
    func require(_ same: [Float], _ other: [Float], _ what: String) {
      let places = zip(same, other).enumerated().filter {
        $0.element.0.bitPattern != $0.element.1.bitPattern
      }
      guard let first = places.first else { return }
      failures.append("\(what): \(places.count) elements differ, the first at \(first.offset)")
    }
    for threads in threadCounts {
      let other = evaluate(inputs, needing: Set(inputs.indices), threads: threads, seed: seed)
      require(result.output, other.output, "output with \(threads) threads")
      for index in inputs.indices {
        require(
          result.gradients[index], other.gradients[index],
          "gradient of input \(index) with \(threads) threads")
      }
    }
    for index in inputs.indices where inputs.count > 1 {
      let other = evaluate(inputs, needing: [index], seed: seed)
      require(result.output, other.output, "output when only input \(index) needs a gradient")
      require(
        result.gradients[index], other.gradients[index],
        "gradient of input \(index) when no other needs one")
    }
    let plain = evaluate(inputs, needing: [], seed: seed)
    require(result.output, plain.output, "output when nothing needs a gradient")
    return failures
  }

  private func difference(_ what: String, _ actual: [Float], _ expected: [Double]) -> [String] {
    guard actual.count == expected.count else {
      return ["\(what) has \(actual.count) elements, not \(expected.count)"]
    }
    let scale = max(expected.reduce(0) { max($0, abs($1)) }, 1e-3)
    for (index, (a, b)) in zip(actual, expected).enumerated()
    where !(abs(Double(a) - b) <= tolerance * scale) {
      return ["\(what) at \(index) is \(a), not \(b)"]
    }
    return []
  }
}
