import Lockstep

/// A layer of one's own: x + tanh(x W + b).
struct Bend: Module {
  let layer: Linear

  init(width: Int) {
    layer = Linear(inputs: width, outputs: width, activation: .tanh)
  }

  /// - Parameter x: [B, D].
  /// - Returns: [B, D].
  func callAsFunction(_ x: Tensor) -> Tensor { x + layer(x) }
}

/// A network: its stored properties are its layers.
struct Network: Module {
  let entry = Linear(inputs: 2, outputs: 32, activation: .tanh)
  let bends = (0..<3).map { _ in Bend(width: 32) }
  let exit = Linear(inputs: 32, outputs: 2)

  /// - Parameter points: [B, 2].
  /// - Returns: A score for each spiral, [B, 2].
  func callAsFunction(_ points: Tensor) -> Tensor {
    var x = entry(points)
    for bend in bends { x = bend(x) }
    return exit(x)
  }
}
