import Foundation
import LockstepTensors
import TestSupport
import Testing

@Suite struct DifferentiationTests {
  @Test func gradientsOfBranchesThatMeetAgainAreAddedUp() {
    let checker = GradientChecker { x in
      let a = x[0] * x[1]
      let b = a.activated(by: .tanh)
      let c = a + b
      return c * b + a.reshaped(to: a.shape) - c
    }
    let failures = checker.failures(inputs: ElementwiseTests.inputs(2, [3, 7])) { x in
      zip(x[0], x[1]).map { first, second in
        let a = first * second
        let b = 1 - 2 / (1 + exp(2 * a))
        return (a + b) * b + a - (a + b)
      }
    }
    #expect(failures == [])
  }

  // The gradient of a sum is handed to both sides without a copy. In the next two tests one side
  // gains another contribution while the other side still has to be read.

  @Test func aResidualBranchReadsItsGradientWholeWhileAddingToItsInput() {
    let checker = GradientChecker { x in
      let middle = x[0] * 2
      return middle + middle.linear(weight: x[1])
    }
    let inputs =
      ElementwiseTests.inputs(1, [3, 5]) + ElementwiseTests.inputs(1, [5, 5], seed: 4)
    let failures = checker.failures(inputs: inputs) { x in
      let middle = x[0].map { $0 * 2 }
      let weight = Naive.transposed(x[1], rows: 5, columns: 5)
      let mapped = Naive.product(middle, weight, rows: 3, inner: 5, columns: 5)
      return zip(middle, mapped).map(+)
    }
    #expect(failures == [])
  }

  @Test func oneSideOfASumMayGainMoreBeforeTheOtherIsRead() {
    let checker = GradientChecker { x in
      let first = x[0] * 2
      let second = x[1] * 3
      let square = first * first
      return (first + second) + square
    }
    let failures = checker.failures(inputs: ElementwiseTests.inputs(2, [33])) { x in
      zip(x[0], x[1]).map { 2 * $0 + 3 * $1 + 4 * $0 * $0 }
    }
    #expect(failures == [])
  }

  @Test func sumsOfLossesHaveTheSumOfTheirGradients() {
    let workspace = Workspace()
    let weight = Leaf([1, 2, 3, 4, 5, 6], shape: [3, 2], in: workspace)
    func loss(_ x: [Float], _ target: Int32) -> Tensor {
      Tensor(x, shape: [1, 2], in: workspace).linearCrossEntropy(
        weight: weight.tensor, targets: Indices([target], shape: [1]))
    }
    (loss([1, 0.5], 0) + loss([-1, 0.25], 2)).backward()
    let both = Leaf([1, 2, 3, 4, 5, 6], shape: [3, 2], in: workspace)
    Tensor([1, 0.5, -1, 0.25], shape: [2, 2], in: workspace).linearCrossEntropy(
      weight: both.tensor, targets: Indices([0, 2], shape: [2])
    ).backward()
    for (a, b) in zip(weight.gradient, both.gradient) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func aGradientSlotGathersAnewAfterItIsDirected() {
    let workspace = Workspace()
    let slot = GradientSlot()
    let (values, gradient) = (FloatMemory(count: 2), FloatMemory(count: 4))
    _ = values.elements.update(from: [1, 2])
    gradient.elements.update(repeating: 9)
    let x = Tensor(viewing: values, shape: [2], gradient: slot, in: workspace)
    for _ in 0..<2 {
      slot.direct(into: gradient, 1..<3)
      (x * x).sum().backward()
      #expect(Array(gradient.elements) == [9, 2, 4, 9])
    }
    slot.direct(into: gradient, 1..<3)
    #expect(!slot.isFilled)
    slot.finish()
    #expect(Array(gradient.elements) == [9, 0, 0, 9])
  }

  @Test func aViewHoldsItsMemoryAndTheMemoryItsOwner() {
    final class Owner {
      let elements = UnsafeMutableBufferPointer<Float>.allocate(capacity: 3)
      deinit { elements.deallocate() }
    }
    weak var owner: Owner?
    var (value, gradient): (Tensor?, GradientSlot?)
    do {
      let new = Owner()
      _ = new.elements.initialize(from: [1, 2, 3])
      owner = new
      let memory = FloatMemory(viewing: new.elements, owner: new)
      gradient = GradientSlot()
      gradient?.direct(into: memory, 2..<3)
      value = Tensor(
        viewing: memory, from: 1, shape: [1], gradient: gradient, in: Workspace())
    }
    #expect(value?.item == 2 && owner != nil)
    value = nil
    #expect(owner != nil)
    gradient = nil
    #expect(owner == nil)
  }

  @Test func operationsKeepOnlyTheElementsThatTheirBackwardPassReads() {
    let workspace = Workspace()
    let x = Leaf([Float](repeating: 1, count: 64), shape: [8, 8], in: workspace)
    let table = Leaf([Float](repeating: 1, count: 64), shape: [8, 8], in: workspace)
    workspace.isTraining = true
    let start = x.tensor.activated(by: .relu)
    let output = ((start + start) * 2).dropout(0.5).reshaped(to: [2, 4, 8])
      .addingPositions(table.tensor).reshaped(to: [8, 8])
    // The leaf is read by relu; of all that follows nothing is, so only two tensors are alive.
    #expect(workspace.pool.lentCount == 2)
    output.sum().backward()
    #expect(x.gradient.allSatisfy { $0 == 0 || $0 == 8 })
  }

  @Test func nothingIsRecordedWhereRecordingIsOff() {
    let workspace = Workspace()
    let x = Leaf([1, 2], shape: [2], in: workspace)
    let y = workspace.withoutRecording { x.tensor * x.tensor }
    #expect(!y.requiresGradient && !workspace.withoutRecording { workspace.isRecording })
    #expect((x.tensor * x.tensor).requiresGradient)
    #expect(!(y + y).requiresGradient)
  }

  @Test func observersSeeValuesAndGradients() {
    final class Recorder: ActivationObserver {
      var seen: [String] = []
      func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {
        seen.append("forward \(name) \(shape) \(Array(values))")
      }
      func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {
        seen.append("backward \(name) \(shape) \(Array(gradient))")
      }
    }
    let workspace = Workspace()
    let recorder = Recorder()
    workspace.observer = recorder
    let x = Leaf([1, 2], shape: [2], in: workspace)
    let y = (x.tensor * 3).observed(as: "y")
    (y + y).sum().backward()
    #expect(recorder.seen == ["forward y [2] [3.0, 6.0]", "backward y [2] [2.0, 2.0]"])
    #expect(x.gradient == [6, 6])
  }

  @Test func aGraphCanBeWalkedOnlyOnce() async {
    await #expect(processExitsWith: .failure) {
      let x = Leaf([1, 2], shape: [2], in: Workspace())
      let loss = x.tensor.sum()
      loss.backward()
      loss.backward()
    }
  }
}
