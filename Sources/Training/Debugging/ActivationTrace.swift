import Foundation
import LockstepTensors

/// What passes through each layer in one micro-batch: shape, mean, standard deviation, largest
/// magnitude, and how many numbers are not finite; forward, then backward.
public final class ActivationTrace: ActivationObserver, CustomStringConvertible {
  /// One layer's numbers in one direction.
  struct Line {
    let name: String
    let shape: Shape
    let mean: Double
    let deviation: Double
    let largest: Double
    let nonFiniteCount: Int

    init(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {
      self.name = name
      self.shape = shape
      let finite = values.lazy.filter(\.isFinite).map(Double.init)
      let count = Double(max(1, finite.reduce(0) { count, _ in count + 1 }))
      let mean = finite.reduce(0, +) / count
      self.mean = mean
      deviation = (finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
      largest = finite.reduce(0) { max($0, abs($1)) }
      nonFiniteCount = values.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    }
  }

  private(set) var forward: [Line] = []
  private(set) var backward: [Line] = []
  private var loss = 0.0

  /// Traces the first micro-batch of a step.
  ///
  /// - Parameter step: From 0.
  public static func run(_ configuration: RunConfiguration, step: Int) throws -> ActivationTrace {
    let model = try DebugModel(configuration, threads: ProcessorMask.current.usableCount)
    let trace = ActivationTrace()
    model.replica.workspace.observer = trace
    let loss = try model.differentiate(step: step, microbatch: 0)
    model.replica.workspace.observer = nil
    trace.loss = Double(loss.sum.item) / Double(max(1, loss.targetCount))
    for entry in model.replica.parameters.entries where entry.isTrained {
      trace.backward.append(
        Line(
          entry.name, UnsafeBufferPointer(rebasing: model.gradient[entry.range]),
          shape: entry.shape))
    }
    return trace
  }

  public func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {
    forward.append(Line(name, values, shape: shape))
  }

  public func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {
    backward.append(Line(name, gradient, shape: shape))
  }

  public var description: String {
    let lines = forward + backward
    let nameWidth = lines.map(\.name.count).max() ?? 0
    let shapeWidth = lines.map(\.shape.description.count).max() ?? 0
    func pad(_ text: String, _ width: Int) -> String {
      text.padding(toLength: width, withPad: " ", startingAt: 0)
    }
    func table(_ title: String, _ lines: [Line]) -> String {
      let heading =
        pad(title, nameWidth) + "  " + pad("shape", shapeWidth)
        + "        mean   deviation     largest  not finite"
      let rows = lines.map { line in
        pad(line.name, nameWidth) + "  " + pad(line.shape.description, shapeWidth)
          + String(
            format: "  %10.3g  %10.3g  %10.3g  %10d", line.mean, line.deviation, line.largest,
            line.nonFiniteCount)
      }
      return ([heading] + rows).joined(separator: "\n")
    }
    return table("forward", forward) + "\n\n" + table("backward", backward)
      + String(format: "\n\nloss %.6f", loss)
  }
}
