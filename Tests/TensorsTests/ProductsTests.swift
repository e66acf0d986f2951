// B sequences, T positions, H heads, K head width, D width, V classes.

import LockstepTensors
import TestSupport
import Testing

/// What is said of a model's products: who multiplies, and how much.
@Suite struct ProductsTests {
  private static func tensor(_ shape: Shape, in workspace: Workspace) -> Tensor {
    var generator = SeededGenerator(seed: UInt64(shape.count))
    return .variable(generator.normals(shape.count), shape: shape, in: workspace)
  }

  /// A linear layer with bias and activation, attention, and a head: a loss and all gradients.
  private static func network(
    _ library: ProductLibrary, threads: Int
  ) -> (loss: Float, gradients: [[Float]]) {
    let workspace = Workspace(threadCount: threads, library: library)
    let x = tensor([2, 37, 32], in: workspace)
    let (weight, bias) = (tensor([96, 32], in: workspace), tensor([96], in: workspace))
    let head = tensor([50, 32], in: workspace)
    let projected = x.linear(weight: weight, bias: bias, activation: .gelu)
    func heads(_ offset: Int) -> Heads { Heads(projected, offset: offset, count: 4, width: 8) }
    let attended = heads(0).attend(keys: heads(32), values: heads(64))
    let targets = Indices((0..<74).map { Int32($0 % 50) }, shape: [2, 37])
    let loss = (attended + x).linearCrossEntropy(weight: head, targets: targets)
    loss.backward()
    return (loss.item, [x, weight, bias, head].compactMap(\.gradient))
  }

  @Test(arguments: [1, 2])
  func bothLibrariesComputeTheSameButForRounding(threads: Int) {
    let own = Self.network(.canonical, threads: threads)
    let other = Self.network(.openBLAS, threads: threads)
    #expect(abs(own.loss - other.loss) < 1e-5 * own.loss)
    #expect(own.gradients.count == 4 && other.gradients.count == 4)
    for (one, another) in zip(own.gradients, other.gradients) {
      let largest = one.map(abs).max() ?? 0
      #expect(zip(one, another).allSatisfy { abs($0 - $1) < 1e-4 * largest })
    }
  }

  @Test(arguments: [ProductFormat.float32, .bfloat16], [1, 2])
  func sumsOfNothingAreZero(format: ProductFormat, threads: Int) {
    let workspace = Workspace(threadCount: threads, format: format)
    func variable(_ elements: [Float], _ shape: Shape) -> Tensor {
      .variable(elements, shape: shape, in: workspace)
    }
    // Memory that held something else before.
    for _ in 0..<3 { _ = Tensor(repeating: 7, shape: [3, 4], in: workspace) }
    let (x, weight) = (variable([], [0, 3]), variable([Float](repeating: 2, count: 12), [4, 3]))
    let sum = x.linear(weight: weight).sum()
    sum.backward()
    #expect(sum.item == 0)
    #expect(weight.gradient == [Float](repeating: 0, count: 12))

    let bias = variable([1, -2, 3, -4], [4])
    let y = variable([], [2, 0]).linear(
      weight: variable([], [4, 0]), bias: bias, activation: .relu)
    #expect(y.elements == [1, 0, 3, 0, 1, 0, 3, 0])
    (y * y).sum().backward()
    #expect(bias.gradient == [4, 0, 12, 0])
  }

  @Test func forwardProductsAreCountedOnceAndListedByShape() {
    let workspace = Workspace()
    let x = Self.tensor([2, 5, 8], in: workspace)
    let (weight, head) = (Self.tensor([24, 8], in: workspace), Self.tensor([7, 8], in: workspace))
    let targets = Indices([0, 1, 2, -1, -1, 3, 4, 5, 6, 0], shape: [2, 5])
    func loss() -> Tensor {
      x.recomputing { x in
        let projected = x.linear(weight: weight)
        func heads(_ offset: Int) -> Heads { Heads(projected, offset: offset, count: 2, width: 4) }
        return heads(0).attend(keys: heads(8), values: heads(16))
      }.linearCrossEntropy(weight: head, targets: targets)
    }
    let (result, products) = workspace.products.listing(loss)
    let attention = 2 * 2 * (5 * 6 / 2) * 2 * 4
    #expect(products.attentionMultiplyAdds == attention)
    // Of the head only the rows with a target.
    #expect(
      products.weights.map(\.shape) == [
        ProductShape(rows: 10, inner: 8, columns: 24), ProductShape(rows: 8, inner: 8, columns: 7),
      ])
    let total = 10 * 8 * 24 + 8 * 8 * 7 + attention
    #expect(products.multiplyAdds == total)
    // What is computed again in the backward pass is not counted again, but its gradients are.
    result.backward()
    #expect(workspace.products.operations == Double(6 * total))
    workspace.withoutRecording { _ = loss() }
    #expect(workspace.products.operations == Double((6 + 2) * total))
  }

  @Test(arguments: [(true, true, 3), (false, true, 2), (true, false, 2), (false, false, 1)])
  func onlyGradientsThatAreComputedAreCounted(
    inputNeedsOne: Bool, weightNeedsOne: Bool, products: Int
  ) {
    func operations(_ use: (_ x: Tensor, _ weight: Tensor) -> Tensor) -> Double {
      let workspace = Workspace()
      func tensor(_ shape: Shape, needsGradient: Bool) -> Tensor {
        needsGradient
          ? Self.tensor(shape, in: workspace) : Tensor(repeating: 1, shape: shape, in: workspace)
      }
      let x = tensor([1, 6, 4], needsGradient: inputNeedsOne)
      let result = use(x, tensor([5, 4], needsGradient: weightNeedsOne))
      if inputNeedsOne || weightNeedsOne { result.backward() }
      return workspace.products.operations
    }
    let linear = operations { $0.linear(weight: $1).sum() }
    #expect(linear == Double(products * 2 * 6 * 4 * 5))
    // The head needs its input's gradient for the weight's.
    let headProducts = products == 1 ? 1 : weightNeedsOne ? 3 : 2
    let targets = Indices([0, 1, -1, 2, 3, 4], shape: [1, 6])
    let head = operations { $0.linearCrossEntropy(weight: $1, targets: targets) }
    #expect(head == Double(headProducts * 2 * 5 * 4 * 5))
  }

  @Test func attentionIsCountedByTheKeysThatQueriesSee() {
    let workspace = Workspace()
    func seen(_ mask: AttentionMask, queries: Int = 4, keys: Int = 4) -> Int {
      let q = Tensor(repeating: 1, shape: [1, queries, 6], in: workspace)
      let k = Tensor(repeating: 1, shape: [1, keys, 3], in: workspace)
      let (_, products) = workspace.products.listing {
        Heads(q, count: 2, width: 3).attend(
          keys: Heads(k, count: 1, width: 3), values: Heads(k, count: 1, width: 3), mask: mask)
      }
      return products.attentionMultiplyAdds / (2 * 2 * 3)
    }
    #expect(seen(.causal) == 10 && seen(.full) == 16)
    #expect(seen(.causal, queries: 2, keys: 5) == 4 + 5)
    let ranges = KeyRanges(lower: [0, 0, 2, 2], upper: [1, 2, 3, 2])
    #expect(seen(.ranges(ranges)) == 1 + 2 + 1 + 0)
  }
}
