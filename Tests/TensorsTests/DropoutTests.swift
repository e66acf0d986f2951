import LockstepTensors
import TestSupport
import Testing

@Suite struct DropoutTests {
  /// What dropout multiplies element e with, by the documented layout of the stream.
  static func factor(of element: Int, _ stream: RandomStream, _ probability: Float) -> Double {
    let words = stream.words(at: element / 64 * 16 + element % 16)
    let word = [words.0, words.1, words.2, words.3][element % 64 / 16]
    return Double(word) < Double(probability) * 0x1p32 ? 0 : Double(1 / (1 - probability))
  }

  static func training(_ workspace: Workspace) {
    workspace.isTraining = true
    workspace.seekRandom(seed: 7, step: 3, microbatch: 5)
  }

  @Test(arguments: [1, 15, 16, 17, 63, 64, 65, 130, 1000], [Float(0.1), 0.5, 0.9])
  func masksFollowTheStreamForwardAndBackward(count: Int, probability: Float) {
    var checker = GradientChecker { $0[0].dropout(probability) }
    checker.prepare = Self.training
    let stream = RandomStream(seed: 7, purpose: .dropout, site: 0, step: 3, microbatch: 5)
    let failures = checker.failures(inputs: ElementwiseTests.inputs(1, [count])) { values in
      values[0].enumerated().map { $1 * Self.factor(of: $0, stream, probability) }
    }
    #expect(failures == [])
  }

  @Test func theFractionDroppedIsTheProbability() {
    let workspace = Workspace()
    Self.training(workspace)
    let count = 200_000
    for probability in [Float(0.1), 0.5, 0.8] {
      let mask = Tensor(repeating: 1, shape: [count], in: workspace).dropout(probability).elements
      let dropped = Double(mask.count { $0 == 0 }) / Double(count)
      #expect(abs(dropped - Double(probability)) < 0.005)
      #expect(mask.allSatisfy { $0 == 0 || $0 == 1 / (1 - probability) })
    }
  }

  @Test func everyLayerStepAndMicrobatchHasItsOwnMask() {
    let workspace = Workspace()
    workspace.isTraining = true
    let x = Tensor(repeating: 1, shape: [500], in: workspace)
    var masks: Set<[Float]> = []
    for (step, microbatch) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
      workspace.seekRandom(seed: 1, step: step, microbatch: microbatch)
      masks.insert(x.dropout(0.5).elements)
      masks.insert(x.dropout(0.5).elements)
    }
    workspace.seekRandom(seed: 2, step: 0, microbatch: 0)
    masks.insert(x.dropout(0.5).elements)
    #expect(masks.count == 9)
    workspace.seekRandom(seed: 1, step: 1, microbatch: 0)
    #expect(masks.contains(x.dropout(0.5).elements))
  }

  @Test func nothingIsDroppedOutsideTraining() {
    let workspace = Workspace()
    let x = Tensor([1, 2, 3], shape: [3], in: workspace)
    #expect(x.dropout(0.9).elements == [1, 2, 3])
  }

  @Test func threadsDoNotChangeLargeMasks() {
    var checker = GradientChecker { $0[0].dropout(0.25) }
    checker.prepare = Self.training
    #expect(checker.bitFailures(inputs: ElementwiseTests.inputs(1, [3, 30_001])) == [])
  }
}
