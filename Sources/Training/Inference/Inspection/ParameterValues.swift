import Foundation
import LockstepOptimization
import LockstepSettings
import LockstepWeights

/// Values of a model's parameters, as `lockstep inspect --values` shows them.
public struct ParameterValues: Encodable, CustomStringConvertible {
  /// One parameter.
  struct Tensor: Encodable {
    let name: String
    let shape: [Int]
    let count: Int
    /// Of all values, not only of those that are shown; nil where there are none.
    let minimum: Float?
    let maximum: Float?
    let mean: Double?
    /// The first ones, row-major.
    let values: [Float]
  }

  let path: String
  let tensors: [Tensor]

  /// - Parameters:
  ///   - path: A run, a checkpoint, a directory with a model, or a GGUF file.
  ///   - pattern: Of the parameters' names, as the file has them: `*` stands for any characters, `?` for one.
  ///   - limit: The most values of each that are kept; nil: all. Default: 64.
  /// - Throws: `LoadingError`, `WeightError`; `InspectionError.noParameter`.
  public init(path: String, matching pattern: String, limit: Int? = 64) throws {
    (self.path, tensors) = try ModelPlace.reading(path, threads: .ofThisProcess) { place, _ in
      let source: any WeightSource =
        switch place {
        case .checkpoint(let checkpoint): try checkpoint.model()
        case .run, .directory, .gguf: try ModelDescription(at: place).storedTensors()
        }
      let known = NamePattern(pattern)
      let chosen = source.tensors.filter { known.matches($0.name) }
      guard !chosen.isEmpty else {
        throw InspectionError.noParameter(
          pattern, path: source.path, names: source.tensors.map(\.name))
      }
      return (source.path, try chosen.map { try Self.read($0, from: source, limit: limit) })
    }
  }

  private static func read(
    _ tensor: StoredTensor, from source: any WeightSource, limit: Int?
  ) throws(WeightError) -> Tensor {
    let count = tensor.shape.reduce(1, *)
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { memory.deallocate() }
    try source.read(tensor.name, shape: tensor.shape, into: memory)
    let sum = memory.reduce(0.0) { $0 + Double($1) }
    return Tensor(
      name: tensor.name, shape: tensor.shape, count: count, minimum: memory.min(),
      maximum: memory.max(), mean: count == 0 ? nil : sum / Double(count),
      values: Array(memory.prefix(limit ?? count)))
  }

  public var description: String {
    "\(path): \(tensors.count) parameter\(tensors.count == 1 ? "" : "s")\n"
      + tensors.map(\.description).joined(separator: "\n")
  }
}

extension ParameterValues.Tensor: CustomStringConvertible {
  /// Values on a line.
  private static let perLine = 8

  var description: String {
    var lines = ["  \(name)  \(shape)  \(summary)"]
    let width = shape.last ?? 1
    var place = 0
    while place < values.count {
      // A row of a matrix begins a line.
      let end = min(place + Self.perLine, (place / width + 1) * width, values.count)
      let numbers = values[place..<end].map { Self.number($0) }
      lines.append("    \(label(of: place))  " + numbers.joined(separator: " "))
      place = end
    }
    if values.count < count {
      lines.append("    and \(count - values.count) more: --limit 0 shows all")
    }
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    guard let minimum, let maximum, let mean else { return "no values" }
    if count == 1 { return "1 value" }
    return "\(count) values from \(Self.short(minimum)) to \(Self.short(maximum)), mean "
      + Self.short(Float(mean))
  }

  /// "[3, 8]": the place of an element.
  private func label(of place: Int) -> String {
    var (rest, indices): (Int, [Int]) = (place, [])
    for extent in shape.reversed() {
      indices.insert(rest % extent, at: 0)
      rest /= extent
    }
    let text = "\(indices)"
    let widest = "\(shape.map { max(0, $0 - 1) })".count
    return text.padding(toLength: max(widest, text.count), withPad: " ", startingAt: 0)
  }

  private static func short(_ value: Float) -> String { String(format: "%.5g", value) }

  private static func number(_ value: Float) -> String {
    let text = String(format: "%.6g", value)
    return String(repeating: " ", count: max(0, 12 - text.count)) + text
  }
}
