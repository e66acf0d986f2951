import Foundation
import NeuralNetworks
import Tensors

/// Compares the gradient of a configuration's model with finite differences, along a random
/// direction for each parameter tensor.
///
/// For a tensor W and a direction D of random signs, the slope of the loss along D must be
/// ⟨gradient, D⟩. Measured as (loss(W + hD) - loss(W - hD)) / 2h in 32-bit arithmetic, it is good to
/// a few parts in a thousand: a wrong formula shows, a rounding error does not.
public struct GradientCheck {
  private let configuration: RunConfiguration
  private let step: Int

  /// - Parameters:
  ///   - configuration: Its model, data and seed are used.
  ///   - step: Whose first micro-batch is looked at, from 0.
  public init(_ configuration: RunConfiguration, step: Int) {
    self.configuration = configuration
    self.step = step
  }

  /// One tensor's two slopes.
  public struct Line {
    public let name: String
    public let computed: Double
    public let measured: Double
    /// |computed - measured| over the larger of the two and of what rounding can hide.
    public let difference: Double

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

  /// Checks every parameter tensor.
  public func run() throws -> Report {
    let model = try DebugModel(configuration, threads: ProcessorMask.current.usableCount)
    let targets = try model.differentiate(step: step, microbatch: 0).targetCount
    let lossAtStart = try loss(model)
    // What the rounding of a sum of so many losses can change.
    let noise = abs(lossAtStart) * 1e-6 + Double(targets) * 1e-6
    let lines = try model.replica.parameters.entries.enumerated().map { index, entry in
      try line(model, entry, index: index, noise: noise)
    }
    return Report(lines: lines)
  }

  private func loss(_ model: DebugModel) throws -> Double {
    try model.replica.workspace.withoutRecording {
      Double(try model.loss(step: step, microbatch: 0).sum.item)
    }
  }

  private func line(
    _ model: DebugModel, _ entry: ParameterStore.Entry, index: Int, noise: Double
  ) throws -> Line {
    let stream = RandomStream(seed: 0, purpose: .test, site: index)
    let values = model.replica.shared.values
    let original = entry.range.map { values[$0] }
    let signs = original.indices.map { stream.words(at: $0).0 & 1 == 0 ? Float(1) : -1 }
    let scale = (original.reduce(0) { $0 + abs($1) } / Float(original.count))
    let reach = max(scale, 0.01) * 0.02 / Float(original.count).squareRoot().squareRoot()
    func loss(at factor: Float) throws -> Double {
      for (offset, place) in entry.range.enumerated() {
        values[place] = original[offset] + factor * reach * signs[offset]
      }
      return try self.loss(model)
    }
    let (above, below) = (try loss(at: 1), try loss(at: -1))
    for (offset, place) in entry.range.enumerated() { values[place] = original[offset] }
    let measured = (above - below) / (2 * Double(reach))
    let computed = zip(entry.range, signs).reduce(0.0) {
      $0 + Double(model.gradient[$1.0]) * Double($1.1)
    }
    let floor = noise / Double(reach)
    let difference =
      max(0, abs(computed - measured) - floor) / max(abs(computed), abs(measured), floor)
    return Line(name: entry.name, computed: computed, measured: measured, difference: difference)
  }
}
