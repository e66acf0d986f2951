import LockstepWeights

/// A model's weights without what belongs to later positions: of a table of learned positions only the first
/// rows are taken, so that shorter sequences can be learned.
struct LeadingPositions: WeightSource {
  private let source: any WeightSource
  /// The full shapes of the tensors that are cut.
  private let whole: [String: [Int]]
  let tensors: [StoredTensor]

  var path: String { source.path }
  var files: [String] { source.files }

  /// - Parameters:
  ///   - source: The whole weights.
  ///   - names: What its names mean.
  ///   - parameters: The model's that they are for.
  ///   - positions: How many the source has.
  ///   - context: How many the model has; no more.
  init(
    _ source: any WeightSource, names: WeightNames, parameters: [TensorLayout], positions: Int,
    context: Int
  ) {
    self.source = source
    let shapes = Dictionary(
      parameters.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    let known = Set(shapes.keys)
    var whole: [String: [Int]] = [:]
    tensors = source.tensors.map { tensor in
      guard let name = names.parameter(of: tensor.name, among: known), let shape = shapes[name],
        shape.first == context, tensor.shape.first == positions,
        tensor.shape.dropFirst() == shape.dropFirst()
      else { return tensor }
      whole[tensor.name] = tensor.shape
      return StoredTensor(name: tensor.name, shape: shape, encoding: tensor.encoding)
    }
    self.whole = whole
  }

  func read(
    _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    guard let whole = whole[name], whole != shape else {
      return try source.read(name, shape: shape, into: destination)
    }
    let elements = UnsafeMutableBufferPointer<Float>.allocate(capacity: whole.reduce(1, *))
    defer { elements.deallocate() }
    try source.read(name, shape: whole, into: elements)
    guard let first = elements.baseAddress else { return }
    destination.baseAddress?.update(from: first, count: destination.count)
  }

  func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    try source.read(name, shape: whole[name] ?? shape, elements: elements, into: destination)
  }
}
