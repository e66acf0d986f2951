import LockstepWeights

/// Tensors in memory that is never freed: it only has to last for a test.
public struct TensorSet {
  public private(set) var views: [TensorView] = []

  public init() {}

  public mutating func add(_ name: String, _ shape: [Int], _ element: (Int) -> Float) {
    let count = shape.reduce(1, *)
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    for index in 0..<count { values.initializeElement(at: index, to: element(index)) }
    views.append(TensorView(name: name, shape: shape, values: UnsafeBufferPointer(values)))
  }

  /// What scripts/fixtures/weights.py writes into float32.safetensors, in its order.
  public static var reference: TensorSet {
    var tensors = TensorSet()
    tensors.add("a.weight", [3, 5], ramp)
    tensors.add("b", [7], ramp)
    tensors.add("quote\"slash\\tab\tüñ", [2, 1, 2], ramp)
    tensors.add("scalar", [], ramp)
    tensors.add("void", [0, 4], ramp)
    return tensors
  }

  /// Overwrites every element, as the next optimiser step would.
  public func overwrite(with value: Float) {
    for view in views { UnsafeMutableBufferPointer(mutating: view.values).update(repeating: value) }
  }
}

/// What the fixture script's `ramp` makes: exact in every element type.
public func ramp(_ index: Int) -> Float { Float(index) * 0.25 - 3 }
