/// A dense, row-major array of 32-bit floats, and the way back to what it was computed from.
///
/// A tensor is immutable once an operation has returned it. Its memory goes back to the
/// workspace's pool with its last reference.
public final class Tensor {
  public let shape: Shape
  public let workspace: Workspace
  /// Nil between forward and backward where `recomputing(_:for:)` let go of it.
  private var storage: Buffer?
  /// How the elements are kept; nil: as floats.
  let form: CompactForm?
  /// Where this tensor's gradient gathers and what made it; nil where nobody asks for a gradient.
  let node: Node?

  /// - Parameter form: Nil: floats.
  init(
    shape: Shape, workspace: Workspace, buffer: Buffer, form: CompactForm? = nil, node: Node? = nil
  ) {
    precondition(
      buffer.count >= Self.floatCount(of: shape, form),
      "\(buffer.count) floats do not hold \(shape)")
    self.shape = shape
    self.workspace = workspace
    storage = buffer
    self.form = form
    self.node = node
  }

  /// A tensor of uninitialised elements, to be filled through `pointer` before it is used, or through
  /// `compactMemory`.
  ///
  /// - Parameter form: Nil: floats.
  convenience init(
    uninitialized shape: Shape, form: CompactForm? = nil, in workspace: Workspace
  ) {
    self.init(
      shape: shape, workspace: workspace,
      buffer: workspace.pool.buffer(count: Self.floatCount(of: shape, form)), form: form)
  }

  /// Floats whose memory the elements take.
  private static func floatCount(of shape: Shape, _ form: CompactForm?) -> Int {
    guard let form else { return shape.count }
    guard let count = form.floatCount(of: shape) else {
      preconditionFailure("\(shape) can not be kept as \(form)")
    }
    return count
  }

  /// A tensor with these elements, in row-major order; not differentiated.
  public convenience init(_ elements: [Float], shape: Shape, in workspace: Workspace) {
    precondition(
      elements.count == shape.count, "\(elements.count) elements do not fill \(shape)")
    self.init(uninitialized: shape, in: workspace)
    elements.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      buffer.pointer.update(from: base, count: source.count)
    }
  }

  /// A tensor whose elements are all `value`; not differentiated.
  public convenience init(repeating value: Float, shape: Shape, in workspace: Workspace) {
    self.init(uninitialized: shape, in: workspace)
    buffer.pointer.update(repeating: value, count: shape.count)
  }

  /// A view of values that others own, such as a parameter in the flat buffer. It holds the memory.
  ///
  /// - Parameters:
  ///   - values: Has the elements in row-major order.
  ///   - start: The place of the first one. Default: 0.
  ///   - gradient: Receives the gradient; nil for a constant.
  public init(
    viewing values: FloatMemory, from start: Int = 0, shape: Shape, gradient: GradientSlot?,
    in workspace: Workspace
  ) {
    self.shape = shape
    self.workspace = workspace
    storage = values.buffer(start..<start + shape.count)
    form = nil
    node = gradient.map { Node(shape: shape, workspace: workspace, gradient: $0) }
  }

  /// The memory of the elements, in whatever form they are.
  var memory: Buffer {
    guard let storage else {
      preconditionFailure("the elements of a tensor \(shape) are used between forward and backward")
    }
    return storage
  }

  var buffer: Buffer {
    precondition(form == nil, "a tensor \(shape) that is kept compactly has no floats")
    return memory
  }

  /// Where the elements of a tensor that is kept compactly are.
  var compactMemory: UnsafeMutablePointer<Float> {
    precondition(form != nil, "a tensor \(shape) has floats")
    return memory.pointer
  }

  /// The elements of a tensor that is kept in bfloat16.
  var roundedPointer: UnsafeMutablePointer<UInt16> {
    precondition(form == .bfloat16, "a tensor \(shape) is not kept in bfloat16")
    return UnsafeMutableRawPointer(compactMemory).assumingMemoryBound(to: UInt16.self)
  }

  /// The tensor as a factor of products: rows of the innermost extent.
  var factor: Matrix {
    form == nil
      ? Matrix(pointer, stride: shape.last) : Matrix(rounded: roundedPointer, stride: shape.last)
  }

  /// Lets go of the elements until `restoreElements(from:)`.
  func releaseElements() { storage = nil }

  /// Takes the elements of a tensor of the same shape.
  func restoreElements(from other: Tensor) { storage = other.storage }

  var pointer: UnsafeMutablePointer<Float> { buffer.pointer }
  var count: Int { shape.count }

  /// The elements in row-major order, while `body` runs.
  public func withElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeBufferPointer(start: pointer, count: count))
  }

  /// A copy of the elements in row-major order.
  public var elements: [Float] { withElements(Array.init) }

  /// The one element of a tensor that has one.
  public var item: Float {
    precondition(count == 1, "item is for tensors of one element, not \(shape)")
    return pointer[0]
  }

  /// Whether gradients flow through this tensor.
  public var requiresGradient: Bool { node != nil }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    let shown = elements.prefix(8).map { String($0) }.joined(separator: ", ")
    return "Tensor\(shape)(\(shown)\(count > 8 ? ", …" : ""))"
  }
}
