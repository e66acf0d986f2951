import Foundation
import LockstepTensors
import TestSupport
import Testing

/// The losses against PyTorch (scripts/fixtures/losses.py), and against finite differences.
@Suite struct LossTests {
  struct Case: Decodable, Sendable {
    let name: String
    let option: Double
    let shape: [Int]
    let outputs: [Float]
    let targets: [Float]
    let loss: Double
    let gradient: [Double]

    func loss(of outputs: Tensor) -> Tensor {
      let values = Tensor(targets, shape: Shape([targets.count]), in: outputs.workspace)
      let classes = Indices(targets.map { Int32($0) }, shape: [targets.count])
      return switch name {
      case "squared error": outputs.squaredError(to: values.reshaped(to: outputs.shape))
      case "huber": outputs.huberLoss(to: values.reshaped(to: outputs.shape), delta: option)
      case "binary cross-entropy":
        outputs.binaryCrossEntropy(to: values.reshaped(to: outputs.shape))
      case "cross-entropy": outputs.softmaxCrossEntropy(targets: classes, labelSmoothing: option)
      case "divergence": outputs.divergence(from: values.reshaped(to: outputs.shape))
      default: fatalError("no loss is called \(name)")
      }
    }
  }

  static func cases() throws -> [Case] {
    let folder = try #require(Bundle.module.resourceURL)
    return try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: folder.appending(path: "Fixtures/losses.json")))
  }

  @Test func theFixtureHasEveryLoss() throws {
    #expect(
      Set(try Self.cases().map(\.name)) == [
        "squared error", "huber", "binary cross-entropy", "cross-entropy", "divergence",
      ])
  }

  @Test func lossesAndGradientsEqualThoseOfPyTorch() throws {
    for expected in try Self.cases() {
      let leaf = Leaf(expected.outputs, shape: Shape(expected.shape), in: Workspace())
      let loss = expected.loss(of: leaf.tensor)
      loss.backward()
      let name = "\(expected.name) \(expected.option)"
      #expect(abs(Double(loss.item) - expected.loss) < 1e-6 * expected.loss, "\(name)")
      for (slope, exact) in zip(leaf.gradient, expected.gradient) {
        #expect(abs(Double(slope) - exact) < 1e-6 * max(1, abs(exact)), "\(name)")
      }
    }
  }

  /// A loss is a scalar like any other: it may be scaled and added to before `backward`.
  @Test func slopesAreThoseOfFiniteDifferencesAndLossesCanBeScaled() throws {
    for expected in try Self.cases() {
      let workspace = Workspace()
      func value(_ outputs: [Float]) -> Double {
        let tensor = Tensor(outputs, shape: Shape(expected.shape), in: workspace)
        return Double(expected.loss(of: tensor).item)
      }
      let leaf = Leaf(expected.outputs, shape: Shape(expected.shape), in: workspace)
      let loss = expected.loss(of: leaf.tensor)
      (loss * 3 + loss).backward()
      for index in stride(from: 0, to: expected.outputs.count, by: 4) {
        var (above, below) = (expected.outputs, expected.outputs)
        above[index] += 0.05
        below[index] -= 0.05
        let slope = (value(above) - value(below)) / Double(above[index] - below[index])
        #expect(
          abs(Double(leaf.gradient[index]) - 4 * slope) < 0.02 * max(1, abs(4 * slope)),
          "\(expected.name) \(expected.option) at \(index)")
      }
    }
  }

  @Test func whatIsNotANumberIsHandedOn() throws {
    for expected in try Self.cases() {
      var outputs = expected.outputs
      outputs[1] = .nan
      let leaf = Leaf(outputs, shape: Shape(expected.shape), in: Workspace())
      let loss = expected.loss(of: leaf.tensor)
      loss.backward()
      #expect(loss.item.isNaN, "\(expected.name)")
      #expect(leaf.gradient[1].isNaN, "\(expected.name)")
    }
  }

  @Test func extremeLogitsStayFinite() {
    let workspace = Workspace()
    let logits = Leaf([2000, -2000, 0, 90], shape: [2, 2], in: workspace)
    let loss = logits.tensor.softmaxCrossEntropy(targets: Indices([1, 0], shape: [2]))
    loss.backward()
    #expect(loss.item == 4090)
    #expect(logits.gradient[0] == 1 && logits.gradient[1] == -1)
    let answers = Tensor([0, 1, 1, 0], shape: [2, 2], in: workspace)
    let binary = Leaf([2000, -2000, 2000, -2000], shape: [2, 2], in: workspace)
    let sum = binary.tensor.binaryCrossEntropy(to: answers)
    sum.backward()
    #expect(sum.item == 4000)
    #expect(binary.gradient[0] == 1 && binary.gradient[1] == -1)
  }

  @Test func ignoredRowsLoseNothingAndLearnNothing() {
    let leaf = Leaf([1, 2, 3, 4], shape: [2, 2], in: Workspace())
    let loss = leaf.tensor.softmaxCrossEntropy(
      targets: Indices([-1, -100], shape: [2]), labelSmoothing: 0.5)
    loss.backward()
    #expect(loss.item == 0)
    #expect(leaf.gradient == [0, 0, 0, 0])
  }

  @Test func threadsDoNotChangeABit() {
    var generator = SeededGenerator(seed: 12)
    let targets = Indices(generator.integers(3000, in: -1..<40), shape: [3000])
    let checker = GradientChecker { $0[0].softmaxCrossEntropy(targets: targets) }
    #expect(checker.bitFailures(inputs: ElementwiseTests.inputs(1, [3000, 40])) == [])
  }
}
