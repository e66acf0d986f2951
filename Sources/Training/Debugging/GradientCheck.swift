import Foundation
import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// Compares the gradient of a configuration's model with finite differences, along four directions
/// for each parameter tensor: three of random signs, and the gradient itself.
///
/// For a tensor W and a direction D the slope of the loss along D must be ⟨gradient, D⟩. Random signs
/// look at every element; along the gradient the slope is the largest that there is, and stands out
/// most from rounding. A slope is measured as S(h) = (loss(W + hD) - loss(W - hD)) / 2h, twice, and
/// freed of its error of order h² by (4 S(h/2) - S(h)) / 3 (Richardson, 1911). In 32-bit arithmetic it
/// is good to a few parts in a thousand: a wrong formula shows, a rounding error does not.
public struct GradientCheck {
  private let configuration: RunConfiguration
  private let step: Int
  private let tampering: Tampering?

  /// Changes a tensor's computed gradient, as a wrong backward pass would.
  package typealias Tampering = (_ name: String, UnsafeMutableBufferPointer<Float>) -> Void

  /// - Parameters:
  ///   - configuration: Its model, data and seed are used, in float32 whatever its precision: in bfloat16 a loss
  ///     moves in steps, and has no slopes to measure.
  ///   - step: Whose first micro-batch is looked at, from 0.
  public init(_ configuration: RunConfiguration, step: Int) {
    self.init(configuration, step: step, tampering: nil)
  }

  package init(_ configuration: RunConfiguration, step: Int, tampering: Tampering?) {
    var configuration = configuration
    configuration.plan.precision = .float32
    self.configuration = configuration
    self.step = step
    self.tampering = tampering
  }

  /// A tensor's two slopes along the direction in which they differ most.
  public struct Line {
    public let name: String
    public let computed: Double
    public let measured: Double
    /// How far the two are apart, less what rounding explains, relative to the larger; infinite where one of them is
    /// not a finite number.
    public let difference: Double

    package init(name: String, computed: Double, measured: Double, rounding: Double) {
      self.name = name
      self.computed = computed
      self.measured = measured
      let distance = abs(computed - measured) - rounding
      difference =
        distance.isFinite
        ? max(0, distance) / max(abs(computed), abs(measured), rounding) : .infinity
    }

    /// The largest difference that passes.
    public static let tolerance = 0.02
    public var passes: Bool { difference <= Self.tolerance }
  }

  public struct Report: CustomStringConvertible {
    public let lines: [Line]
    public var passes: Bool { lines.allSatisfy(\.passes) }

    public var description: String {
      let width = lines.map(\.name.count).max() ?? 0
      let rows = lines.map { line in
        let name = line.name.padding(toLength: width, withPad: " ", startingAt: 0)
        return name
          + String(
            format: "  computed %13.6g  measured %13.6g  difference %8.2e  %@", line.computed,
            line.measured, line.difference, line.passes ? "ok" : "WRONG")
      }
      let wrong = lines.filter { !$0.passes }.count
      let verdict =
        wrong == 0
        ? "all \(lines.count) gradients agree with finite differences"
        : "\(wrong) of \(lines.count) gradients are wrong"
      return (rows + [verdict]).joined(separator: "\n")
    }
  }

  /// Checks every parameter tensor that is trained.
  ///
  /// - Throws: `UnmeasurableLossError`; what opening the configuration's data and model throws.
  public func run() throws -> Report {
    let model = try DebugModel(configuration, threads: ProcessorMask.current.usableCount)
    let targetCount = try model.differentiate(step: step, microbatch: 0).targetCount
    let loss = try model.loss(atStep: step)
    // Steps are a share of the loss.
    guard loss.isFinite, loss != 0 else {
      throw UnmeasurableLossError(step: step + 1, loss: loss)
    }
    let entries = model.replica.parameters.entries.filter(\.isTrained)
    for entry in entries {
      tampering?(entry.name, UnsafeMutableBufferPointer(rebasing: model.gradient[entry.range]))
    }
    let probe = SlopeProbe(
      model: model, step: step, lossAtStart: loss, targetCount: targetCount)
    return Report(
      lines: try entries.enumerated().map { index, entry in
        let directions =
          Self.randomSigns(count: entry.range.count, index: index)
          + [Array(model.gradient[entry.range])]
        let lines = try directions.map { try probe.line(entry, direction: $0) }
        return lines.dropFirst().reduce(lines[0]) { $1.difference > $0.difference ? $1 : $0 }
      })
  }

  /// Three directions: along one, an error that is at right angles to it goes unnoticed.
  private static func randomSigns(count: Int, index: Int) -> [[Float]] {
    let stream = RandomStream(seed: 0, purpose: .test, site: index)
    let words = (0..<count).map { stream.words(at: $0) }
    return [\(UInt32, UInt32, UInt32, UInt32).0, \.1, \.2].map { word in
      words.map { $0[keyPath: word] & 1 == 0 ? 1 : -1 }
    }
  }
}

/// A loss that has no slopes to measure: 0, or not a finite number.
public struct UnmeasurableLossError: UserInputError, Equatable {
  /// From 1.
  public let step: Int
  public let loss: Double

  public var description: String {
    "the loss of the first micro-batch of step \(step) is "
      + (loss == 0 ? "0, as of a batch without targets" : "not a finite number")
      + ": there is nothing to measure slopes of; look at another --step"
  }
}

/// Measures slopes of a model's loss.
private struct SlopeProbe {
  let model: DebugModel
  let step: Int
  let lossAtStart: Double
  let targetCount: Int

  /// The largest step, relative to a tensor's typical element.
  private static let reach = 0.1
  /// The largest change of the loss, relative to it.
  private static let lossChange = 0.01

  /// How much of a slope rounding may explain where a step is made smaller.
  private static let largestRounding = 0.02

  /// How much of a difference of two losses can be rounding: that of the sum, a 32-bit number, and
  /// those of its terms.
  private var noise: Double {
    2 * Double(Float(lossAtStart).ulp) + 2e-6 * Double(targetCount).squareRoot()
  }

  /// Compares the slopes along a direction of any length.
  func line(_ entry: ParameterStore.Entry, direction: [Float]) throws -> GradientCheck.Line {
    let original = entry.range.map { model.replica.shared.values[$0] }
    let length = direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let scale = Double(original.reduce(0) { $0 + abs($1) }) / Double(original.count)
    // A direction of zeros has no length; its slope is 0, computed and measured.
    let unit = direction.map { length > 0 ? Double($0) / length : 0 }
    let computed = zip(entry.range, unit).reduce(0.0) {
      $0 + Double(model.gradient[$1.0]) * $1.1
    }
    let furthest = max(scale, 0.02) * Self.reach * Double(original.count).squareRoot()
    let distance = min(
      furthest, Self.lossChange * abs(lossAtStart) / max(abs(computed), .leastNormalMagnitude))
    func measure(_ distance: Double) throws -> Double {
      let (above, below) = (try loss(at: distance), try loss(at: -distance))
      return (above - below) / (2 * distance)
    }
    func loss(at distance: Double) throws -> Double {
      for (offset, place) in entry.range.enumerated() {
        model.replica.shared.values[place] = original[offset] + Float(distance * unit[offset])
      }
      return try model.loss(atStep: step)
    }
    func line(_ distance: Double) throws -> GradientCheck.Line {
      let (near, far) = (try measure(distance / 2), try measure(distance))
      return GradientCheck.Line(
        name: entry.name, computed: computed, measured: (4 * near - far) / 3,
        rounding: noise / distance)
    }
    var result = try line(distance)
    // A ReLU bends where its input is 0: the fewer inputs pass 0 on the way, the less that shows. A wrong gradient is
    // wrong at any distance.
    var shorter = distance / 4
    let slope = max(abs(result.computed), abs(result.measured))
    while !result.passes && slope.isFinite && noise / shorter < Self.largestRounding * slope {
      result = try line(shorter)
      shorter /= 4
    }
    for (offset, place) in entry.range.enumerated() {
      model.replica.shared.values[place] = original[offset]
    }
    return result
  }
}

extension DebugModel {
  /// The summed loss of a step's first micro-batch.
  fileprivate func loss(atStep step: Int) throws -> Double {
    try replica.workspace.withoutRecording {
      Double(try loss(step: step, microbatch: 0).sum.item)
    }
  }
}
