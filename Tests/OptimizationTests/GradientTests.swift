import Foundation
import LockstepOptimization
import LockstepParallelism
import LockstepSettings
import TestSupport
import Testing

@Suite struct GradientTreatmentTests {
  private func treat(
    _ configure: (inout OptimizerConfiguration) -> Void, layout: ParameterLayout,
    parameters: [Float], gradient: [Float], scale: Float = 1, threads: Int = 1
  ) throws -> [Float] {
    var configuration = OptimizerConfiguration()
    configure(&configuration)
    let treatment = try #require(
      GradientTreatment(
        configuration, layout: layout, peers: NoPeers(),
        threads: ThreadPool(threadCount: threads)))
    var (parameters, gradient) = (parameters, gradient)
    try parameters.withUnsafeMutableBufferPointer { parameters in
      try gradient.withUnsafeMutableBufferPointer {
        try treatment.apply(to: $0, parameters: parameters, scale: scale)
      }
    }
    return gradient
  }

  private let small = ParameterLayout(
    tensors: [
      OptimizedTensor(name: "m", shape: [2, 3], range: 0..<6, decays: true),
      OptimizedTensor(name: "v", shape: [2], range: 6..<8, decays: false),
    ], elementCount: 8)

  @Test func valuesAreClippedAfterScaling() throws {
    let found = try treat(
      { $0.clipping.value = 1.5 }, layout: small, parameters: [Float](repeating: 1, count: 8),
      gradient: [1, -1, 8, -8, 3, -3, 0, 100], scale: 0.5)
    #expect(found == [0.5, -0.5, 1.5, -1.5, 1.5, -1.5, 0, 1.5])
  }

  @Test func l1AddsTheSignOfMatrices() throws {
    let found = try treat(
      { $0.l1 = 0.25 }, layout: small, parameters: [1, -2, 0, 3, -1, 0, 5, -5],
      gradient: [Float](repeating: 1, count: 8))
    #expect(found == [1.25, 0.75, 1, 1.25, 0.75, 1, 1, 1])
  }

  /// Against the formula, on units of many lengths, some over several blocks of the flat buffer.
  @Test(arguments: [1, 2]) func adaptiveClippingBoundsEveryUnit(threads: Int) throws {
    let shapes = [[300, 7], [3, 70_000], [5], [40, 3000], [200_000]]
    var (tensors, end): ([OptimizedTensor], Int) = ([], 0)
    for (index, shape) in shapes.enumerated() {
      let count = shape.reduce(1, *)
      tensors.append(
        OptimizedTensor(name: "\(index)", shape: shape, range: end..<end + count, decays: true))
      end = (end + count + 15) / 16 * 16
    }
    let layout = ParameterLayout(tensors: tensors, elementCount: end)
    var generator = SeededGenerator(seed: 60)
    // The third tensor's weights are zero: it must be able to begin.
    let parameters = (0..<end).map { index in
      tensors[2].range.contains(index) ? 0 : Float.random(in: -1...1, using: &generator)
    }
    let gradient = (0..<end).map {
      Float.random(in: -1...1, using: &generator) * ($0.isMultiple(of: 3) ? 0.1 : 1)
    }
    let found = try treat(
      { $0.clipping.adaptive = 0.6 }, layout: layout, parameters: parameters, gradient: gradient,
      threads: threads)
    for tensor in tensors {
      let length = tensor.matrix?.columns ?? tensor.range.count
      for start in stride(from: tensor.range.lowerBound, to: tensor.range.upperBound, by: length) {
        func norm(_ values: [Float]) -> Double {
          values[start..<start + length].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        let factor = min(1, 0.6 * max(norm(parameters), 1e-3) / norm(gradient))
        for index in start..<start + length {
          let expected = Float(factor) * gradient[index]
          if abs(found[index] - expected) > 1e-6 * abs(expected) {
            Issue.record("element \(index) of \(tensor.name): \(found[index]), not \(expected)")
            return
          }
        }
      }
    }
  }

  @Test func nothingToDoIsNoTreatment() {
    #expect(
      GradientTreatment(
        OptimizerConfiguration(), layout: small, peers: NoPeers(), threads: ThreadPool()) == nil)
  }

  @Test func clippingFactorIsPyTorchs() {
    #expect(ClipNorm(maximum: 1).factor(norm: 0.5) == 1)
    #expect(ClipNorm(maximum: 1).factor(norm: 4) == 1 / (4 + 1e-6))
    #expect(ClipNorm(maximum: 2).factor(norm: 0) == 1)
    #expect(ClipNorm(maximum: 0).factor(norm: 1e9) == 1)
  }
}

@Suite struct OutlierDetectorTests {
  @Test func aLossFarAboveTheMeanIsAnOutlierAfterTheWindow() {
    var detector = OutlierDetector()
    func outlier(_ loss: Double, norm: Double = 1) -> String? {
      detector.outlier(loss: loss, norm: norm, limit: 4, window: 10)
    }
    // Too early to tell.
    for step in 0..<10 {
      #expect(outlier(step == 5 ? 3 : Double(step % 2), norm: 1 + Double(step % 3)) == nil)
    }
    // Now the losses have mean 0.7 and variance 0.81, the norms 1.9 and 0.69.
    #expect(outlier(0.5, norm: 2) == nil)
    // (50 - 0.68) / √(0.9 · (0.81 + 0.1 · 0.2²)).
    #expect(
      outlier(50, norm: 2) == "its loss of 50.0 lies 57.6 standard deviations above the mean")
    // Two norms of 2 later: mean 1.919, variance 0.9 · (0.9 · (0.69 + 0.1 · 0.1²) + 0.1 · 0.09²).
    #expect(
      outlier(0.5, norm: 90)
        == "its gradient norm of 90.0 lies 117.7 standard deviations above the mean")
    #expect(outlier(-50, norm: 2) == nil, "below the mean nothing is wrong")
  }

  @Test func aLastingChangeIsLetThrough() {
    var detector = OutlierDetector()
    for step in 0..<50 {
      _ = detector.outlier(loss: Double(step % 2), norm: 1, limit: 3, window: 20)
    }
    let skipped = (0..<50).count { step in
      detector.outlier(loss: 30 + Double(step % 2), norm: 1, limit: 3, window: 20) != nil
    }
    #expect((1..<25).contains(skipped), "\(skipped)")
  }
}

@Suite struct AveragingTests {
  private func average(
    _ keys: KeyValuePairs<String, String>, _ weights: [Float]
  ) throws -> Float {
    let configuration = try AveragingConfiguration(
      settings: SettingNode(
        .map(keys.map { SettingNode.Entry($0.key, SettingNode(.plain($0.value))) })))
    let layout = ParameterLayout(
      tensors: [OptimizedTensor(name: "w", shape: [1], range: 0..<1, decays: false)],
      elementCount: 1)
    let kept = KeptWeights(layout: layout, threads: ThreadPool())
    for (step, weight) in zip(1..., weights) {
      var values = [weight]
      values.withUnsafeMutableBufferPointer {
        kept.approach($0, rate: configuration.rate(step: step))
      }
    }
    return kept.state(named: "average").values[0]
  }

  @Test func exponentialIsTheRunningMeanFromItsStart() throws {
    let found = try average(
      ["name": "exponential", "decay": "0.2", "start": "2"], [9, 9, 4, 8, 16])
    // Begins with the weights of step 3; of what is kept at most 2/11, then 3/12, which is more than 0.2.
    let first = 8 + (4 - 8) * Float(2) / 11
    #expect(abs(found - (16 + (first - 16) * 0.2)) < 1e-5)
  }

  /// As TensorFlow's `ExponentialMovingAverage(decay, num_updates)`.
  @Test(arguments: [2, 3, 10, 100, 4000, 20_000])
  func aYoungAverageForgetsFaster(step: Int) throws {
    let configuration = try AveragingConfiguration(
      settings: SettingNode(
        .map([SettingNode.Entry("name", SettingNode(.plain("exponential")))])))
    let updates = Double(step - 1)
    let kept = min(0.999, (1 + updates) / (10 + updates))
    #expect(abs(configuration.rate(step: step) - (1 - kept)) < 1e-15)
    #expect((kept == 0.999) == (step == 20_000))
    #expect(configuration.isAverage(step: step) && !configuration.isAverage(step: 1))
  }

  @Test func stochasticIsTheMeanOfEverySo() throws {
    let found = try average(
      ["name": "stochastic", "every": "2", "start": "1"], [1, 7, 3, 7, 6, 7, 12, 100])
    // Of steps 3, 5 and 7.
    #expect(found == 7)
  }

  /// Nothing is averaged before the first step that counts: whoever looks then must not see zeros, or weights that
  /// are some steps old.
  @Test(arguments: [(0, 4, 3), (0, 100, 7), (2, 5, 6), (2, 5, 7)])
  func beforeItsFirstSampleTheAverageIsTheWeights(start: Int, every: Int, steps: Int) throws {
    let keys: KeyValuePairs = [
      "name": "stochastic", "start": "\(start)", "every": "\(every)",
    ]
    #expect(try average(keys, (1...steps).map { Float($0 * $0) }) == Float(steps * steps))
    let configuration = try AveragingConfiguration(
      settings: SettingNode(
        .map(keys.map { SettingNode.Entry($0.key, SettingNode(.plain($0.value))) })))
    #expect(!configuration.isAverage(step: steps), "it is the last weights")
    #expect(configuration.isAverage(step: start + every + 1))
  }

  @Test func beforeItsStartTheAverageIsTheWeights() throws {
    let weights: [Float] = [1, 2, 5]
    for name in ["exponential", "stochastic"] {
      #expect(try average(["name": name, "start": "10"], weights) == 5)
    }
  }
}
