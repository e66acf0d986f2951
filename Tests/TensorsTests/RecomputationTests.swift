import Foundation
import LockstepTensors
import TestSupport
import Testing

@Suite struct RecomputationTests {
  /// A block with a residual branch, a parameter, two dropouts and a tensor from outside.
  private static func block(_ x: Tensor, _ weight: Tensor, _ outside: Tensor) -> Tensor {
    let branch = x.linear(weight: weight, activation: .geluTanh).dropout(0.3)
    return (x + branch * outside).dropout(0.2).observed(as: "block")
  }

  private static func inputs() -> [GradientChecker.Input] {
    ElementwiseTests.inputs(1, [4, 6]) + ElementwiseTests.inputs(1, [6, 6], seed: 2)
      + ElementwiseTests.inputs(1, [4, 6], seed: 3)
  }

  /// Bits of a loss and of all gradients of three blocks with dropout before and after them.
  private static func bits(
    observer: (any ActivationObserver)? = nil,
    _ apply: @escaping (Tensor, @escaping (Tensor) -> Tensor) -> Tensor
  ) -> [UInt32] {
    let workspace = Workspace()
    DropoutTests.training(workspace)
    workspace.observer = observer
    let leaves = inputs().map { Leaf($0.elements, shape: $0.shape, in: workspace) }
    // Not a leaf: its gradient has to travel on, and all three blocks add to it.
    let outside = leaves[2].tensor * 0.5
    var x = leaves[0].tensor.dropout(0.1)
    for _ in 0..<3 { x = apply(x) { block($0, leaves[1].tensor, outside) } }
    let loss = (x.dropout(0.4) * outside).sum()
    loss.backward()
    return ([loss.item] + leaves.flatMap(\.gradient)).map(\.bitPattern)
  }

  @Test func gradientsAgreeWithFiniteDifferences() {
    let checker = GradientChecker { x in
      (x[0] * 2).recomputing { y in (y * x[1]).activated(by: .tanh) + y }
    }
    let failures = checker.failures(inputs: ElementwiseTests.inputs(2, [3, 7])) { x in
      zip(x[0], x[1]).map { tanh(2 * $0 * $1) + 2 * $0 }
    }
    #expect(failures == [])
  }

  @Test func lossAndGradientsHaveTheSameBitsAsWithout() {
    let plain = Self.bits { x, block in block(x) }
    #expect(Self.bits { x, block in x.recomputing(block) } == plain)
    #expect(Self.bits { x, block in x.recomputing { $0.recomputing(block) } } == plain)
    #expect(
      Self.bits { x, block in
        x.recomputing { block($0.recomputing { $0 }).recomputing { $0.reshaped(to: [4, 6]) } }
      } == plain)
    #expect(plain.allSatisfy { !Float(bitPattern: $0).isNaN })
  }

  @Test func aPartWithinAPartMayBeRecomputedToo() {
    func twice(_ x: Tensor, _ block: @escaping (Tensor) -> Tensor) -> Tensor { block(block(x)) }
    let plain = Self.bits(twice)
    #expect(
      Self.bits { x, block in
        x.recomputing { $0.recomputing(block).recomputing(block) }
      } == plain)
  }

  @Test func masksAreThoseOfTheForwardPassWhateverHasHappenedSince() {
    func gradient(movesOn: Bool) -> [Float] {
      let workspace = Workspace()
      DropoutTests.training(workspace)
      let x = Leaf([Float](repeating: 1, count: 200), shape: [200], in: workspace)
      let loss = x.tensor.recomputing { $0.dropout(0.5) }.sum()
      if movesOn {
        workspace.seekRandom(seed: 1, step: 9, microbatch: 0)
        workspace.isTraining = false
      }
      loss.backward()
      #expect(workspace.isTraining == !movesOn)
      return x.gradient
    }
    #expect(gradient(movesOn: true) == gradient(movesOn: false))
    #expect(Set(gradient(movesOn: true)) == [0, 2])
  }

  @Test func ofEachPartOnlyTheInputIsKept() {
    func bytes(_ apply: (Tensor, @escaping (Tensor) -> Tensor) -> Tensor) -> Int {
      let workspace = Workspace()
      let x = Leaf([Float](repeating: 0.1, count: 64), shape: [4, 16], in: workspace)
      let weight = Leaf([Float](repeating: 0.01, count: 256), shape: [16, 16], in: workspace)
      var y = x.tensor
      for _ in 0..<20 {
        y = apply(y) { z in
          (0..<6).reduce(z) { z, _ in z.linear(weight: weight.tensor, activation: .tanh) }
        }
      }
      y.sum().backward()
      #expect(workspace.pool.lentCount == 1, "but for y all buffers are back")
      return workspace.pool.allocatedBytes
    }
    let plain = bytes { x, part in part(x) }
    let recomputed = bytes { x, part in x.recomputing(part) }
    // Twelve arrays a part, against one a part and those of the part at work.
    #expect(plain > 20 * 12 * 256)
    #expect(recomputed < plain / 5)
  }

  @Test func aGraphThatIsNotWalkedGivesEverythingBack() {
    let workspace = Workspace()
    let x = Leaf([1, 2], shape: [2], in: workspace)
    do { _ = x.tensor.recomputing { ($0 * $0).activated(by: .relu) }.sum() }
    #expect(workspace.pool.lentCount == 0)
  }

  @Test func whereNothingIsRecordedNothingIsDoneTwice() {
    let workspace = Workspace()
    let x = Leaf([1, 2], shape: [2], in: workspace)
    var calls = 0
    func part(_ x: Tensor) -> Tensor {
      calls += 1
      return x * 2
    }
    #expect(workspace.withoutRecording { !x.tensor.recomputing(part).requiresGradient })
    #expect(calls == 1)
    x.tensor.recomputing(part).sum().backward()
    #expect(calls == 3)
    #expect(x.gradient == [2, 2])
  }

  @Test func parametersInsideGetGradientsThoughTheInputNeedsNone() {
    let workspace = Workspace()
    let input = Tensor([2, 3], shape: [2], in: workspace)
    let weight = Leaf([5, 7], shape: [2], in: workspace)
    input.recomputing { $0 * weight.tensor }.sum().backward()
    #expect(weight.gradient == [2, 3])
  }

  @Test func observersSeeEachValueAndEachGradientOnce() {
    final class Recorder: ActivationObserver {
      var seen: [String] = []
      func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {
        seen.append("forward \(Array(values))")
      }
      func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {
        seen.append("backward \(Array(gradient))")
      }
    }
    let (plain, recomputed, nested) = (Recorder(), Recorder(), Recorder())
    _ = Self.bits(observer: plain) { x, block in block(x) }
    _ = Self.bits(observer: recomputed) { x, block in x.recomputing(block) }
    _ = Self.bits(observer: nested) { x, block in x.recomputing { $0.recomputing(block) } }
    #expect(plain.seen.count == 6)
    #expect(recomputed.seen == plain.seen)
    #expect(nested.seen == plain.seen)
  }

  // MARK: A first part for a second

  /// Bits of a loss and its gradients, and how many buffers wait for the backward pass.
  private static func bits(
    columns: Int, _ apply: (Tensor, @escaping (Tensor) -> Tensor, (Tensor) -> Tensor) -> Tensor
  ) -> (bits: [UInt32], lentCount: Int) {
    let workspace = Workspace(threadCount: 2)
    DropoutTests.training(workspace)
    let shapes: [Shape] = [[1024, columns], [columns], [columns], [columns, 3]]
    let leaves = shapes.enumerated().map { index, shape in
      let input = ElementwiseTests.inputs(1, shape, seed: UInt64(index))[0]
      return Leaf(input.elements, shape: shape, in: workspace)
    }
    let x = leaves[0].tensor
    let y = apply(
      x,
      { $0.layerNorm(weight: leaves[1].tensor, bias: leaves[2].tensor).dropout(0.1) },
      { $0.linear(weight: leaves[3].tensor, layout: .inputsByOutputs) })
    let loss = (y * y).dropout(0.2).sum()
    let lentCount = workspace.pool.lentCount
    loss.backward()
    return (([loss.item] + leaves.flatMap(\.gradient)).map(\.bitPattern), lentCount)
  }

  @Test func aFirstPartIsComputedAgainToTheSameBits() {
    let plain = Self.bits(columns: 512) { x, norm, linear in linear(norm(x)) }
    let released = Self.bits(columns: 512) { x, norm, linear in x.recomputing(norm, for: linear) }
    #expect(released.bits == plain.bits)
    #expect(released.lentCount == plain.lentCount - 1)
    let nested = Self.bits(columns: 512) { x, norm, linear in
      x.recomputing(norm, for: { $0.recomputing({ $0 * 1 }, for: linear) })
    }
    #expect(nested.bits == plain.bits)
  }

  @Test func aSmallOutputOfAFirstPartIsKept() {
    let plain = Self.bits(columns: 16) { x, norm, linear in linear(norm(x)) }
    let kept = Self.bits(columns: 16) { x, norm, linear in x.recomputing(norm, for: linear) }
    #expect(kept.bits == plain.bits && kept.lentCount == plain.lentCount)
  }
}
