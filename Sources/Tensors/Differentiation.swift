import CLockstepKernels
import HeapModule

/// A tensor's place in the graph: where its gradient gathers, and the operation that made it.
///
/// It does not hold the tensor's elements: the graph keeps alive only those that a backward pass
/// captured.
final class Node {
  let shape: Shape
  let workspace: Workspace
  let gradient: GradientSlot
  /// Nil for a variable or a parameter.
  let origin: Operation?

  init(shape: Shape, workspace: Workspace, gradient: GradientSlot, origin: Operation? = nil) {
    self.shape = shape
    self.workspace = workspace
    self.gradient = gradient
    self.origin = origin
  }
}

/// One recorded operation: the gradient of its output, and how to hand that on to its inputs.
final class Operation {
  let sequenceNumber: Int
  fileprivate var inputs: [Node]
  /// The variables and parameters whose gradients it may add to, itself or what it computes again.
  fileprivate var leaves: [GradientSlot]
  fileprivate var rule: Rule?
  fileprivate let shape: Shape
  fileprivate let outputGradient: GradientSlot
  fileprivate var isQueued = false

  /// How the output's gradient is handed on.
  fileprivate enum Rule {
    /// Adds to the inputs' gradients.
    case backward((_ gradient: Tensor) -> Void)
    /// Computes the output once more, recorded: those records hand the gradient on.
    case recomputation(() -> Tensor)
  }

  fileprivate init(
    sequenceNumber: Int, inputs: [Node], leaves: [GradientSlot], shape: Shape,
    outputGradient: GradientSlot, rule: Rule
  ) {
    self.sequenceNumber = sequenceNumber
    self.inputs = inputs
    self.leaves = leaves
    self.shape = shape
    self.outputGradient = outputGradient
    self.rule = rule
  }

  /// Lets go of everything the operation kept for its backward pass, which is over.
  fileprivate func release() {
    for leaf in leaves { leaf.endUse() }
    leaves = []
    inputs = []
    rule = nil
  }
}

/// Where the gradient of one tensor gathers during `backward()`.
///
/// The first contribution overwrites, later ones add: nothing is zeroed beforehand.
public final class GradientSlot {
  /// The gathered gradient; memory of the pool, or a view of the flat gradient buffer.
  fileprivate var buffer: Buffer?
  /// Whether the buffer holds a gradient yet.
  public fileprivate(set) var isFilled = false
  /// Recorded operations whose backward pass may add to the gradient and is still to come.
  private var pendingUses = 0
  /// Called when the gradient is final; nil: nobody waits for that.
  private var whenFinal: (() -> Void)?
  /// What is final is being read by others.
  fileprivate private(set) var isFinal = false

  public init() {}

  /// Says when the gradient is final, at the latest in `finish()`: to be called between forward and
  /// backward pass. Of a parameter that takes no part in the loss it is so at once.
  public func awaitFinal(_ whenFinal: @escaping () -> Void) {
    self.whenFinal = whenFinal
    if pendingUses == 0 { finish() }
  }

  /// Completes the gradient: zeros where no operation contributed.
  public func finish() {
    zeroIfUnfilled()
    guard let whenFinal else { return }
    self.whenFinal = nil
    isFinal = true
    whenFinal()
  }

  fileprivate func beginUse() { pendingUses += 1 }

  fileprivate func endUse() {
    pendingUses -= 1
    if pendingUses == 0, whenFinal != nil { finish() }
  }

  /// Directs the gradient into memory that others own, and forgets what was gathered. Until it is
  /// directed elsewhere it holds the memory.
  ///
  /// - Parameter range: Where in the memory.
  public func direct(into memory: FloatMemory, _ range: Range<Int>) {
    buffer = memory.buffer(range)
    isFilled = false
    isFinal = false
    whenFinal = nil
    // Of a graph that was given up, operations may be left that will never run.
    pendingUses = 0
  }

  /// Lets go of the memory, and forgets what was gathered.
  public func release() {
    buffer = nil
    isFilled = false
    isFinal = false
    whenFinal = nil
  }

  /// A copy of the gathered gradient; nil where there is none.
  func elements(count: Int) -> [Float]? {
    guard isFilled, let buffer else { return nil }
    return Array(UnsafeBufferPointer(start: buffer.pointer, count: count))
  }

  /// Before adding in place: a gradient that was passed on whole may have a second reader, who
  /// keeps the old elements.
  fileprivate func makeOwn(in pool: BufferPool) {
    guard isFilled, buffer?.isView == false, !isKnownUniquelyReferenced(&buffer),
      let shared = buffer
    else { return }
    let copy = pool.buffer(count: shared.count)
    copy.pointer.update(from: shared.pointer, count: shared.count)
    buffer = copy
  }

  /// Writes zeros where no operation contributed: such a parameter took no part in the loss.
  private func zeroIfUnfilled() {
    guard !isFilled, let buffer else { return }
    buffer.pointer.update(repeating: 0, count: buffer.count)
    isFilled = true
  }
}

extension Tensor {
  /// Records an operation.
  ///
  /// - Parameters:
  ///   - inputs: The tensors that the result was computed from.
  ///   - backward: Called once with the gradient of the result, of the result's shape; adds to the
  ///     inputs' gradients with `addGradient` or `passGradient`. It keeps alive what it captures
  ///     until then: the node of an input whose elements it does not need, and never the result.
  /// - Returns: A tensor of the elements of `self`, with a way back; `self` where no input needs
  ///   one.
  func recorded(
    inputs: [Tensor], _ backward: @escaping (_ gradient: Tensor) -> Void
  ) -> Tensor {
    let nodes = inputs.compactMap(\.node)
    guard !nodes.isEmpty, workspace.isRecording || workspace.isNotingUses else { return self }
    let leaves = nodes.filter { $0.origin == nil }.map(\.gradient)
    guard workspace.isRecording else {
      workspace.noteUse(of: leaves)
      return self
    }
    return recorded(inputs: nodes, leaves: leaves, rule: .backward(backward))
  }

  /// Records that these elements can be computed once more, from what `compute` keeps alive.
  ///
  /// - Parameters:
  ///   - leaves: The variables and parameters that it uses.
  ///   - compute: Called once, in the backward pass; records its operations then.
  func recorded(
    using leaves: [GradientSlot], recomputing compute: @escaping () -> Tensor
  ) -> Tensor {
    recorded(inputs: [], leaves: leaves, rule: .recomputation(compute))
  }

  private func recorded(
    inputs: [Node], leaves: [GradientSlot], rule: Operation.Rule
  ) -> Tensor {
    let slot = GradientSlot()
    for leaf in leaves { leaf.beginUse() }
    let operation = Operation(
      sequenceNumber: workspace.nextSequenceNumber(), inputs: inputs, leaves: leaves, shape: shape,
      outputGradient: slot, rule: rule)
    return Tensor(
      shape: shape, workspace: workspace, buffer: memory, form: form,
      node: Node(shape: shape, workspace: workspace, gradient: slot, origin: operation))
  }

  /// Adds to this tensor's gradient; see `Node.addGradient`. Does nothing where nobody asks for it.
  func addGradient(_ write: (_ gradient: UnsafeMutablePointer<Float>, _ adds: Bool) -> Void) {
    node?.addGradient(write)
  }

  /// Computes the gradient of this scalar with respect to everything it was computed from.
  ///
  /// Operations run their backward passes in the reverse of the order in which they were recorded,
  /// and each is freed at once: the graph can be walked only once.
  public func backward() {
    precondition(count == 1, "backward() starts from a scalar, not from a tensor of \(shape)")
    guard let origin = node?.origin else {
      preconditionFailure("backward() on a tensor that was not recorded from any parameter")
    }
    addGradient { gradient, _ in gradient[0] = 1 }
    var pending = Heap<PendingOperation>([PendingOperation(origin)])
    while let operation = pending.popMax()?.operation {
      operation.propagate(in: workspace)
      for input in operation.inputs {
        guard let next = input.origin, !next.isQueued else { continue }
        next.isQueued = true
        pending.insert(PendingOperation(next))
      }
      operation.release()
    }
  }
}

extension Node {

  /// Adds to the gradient.
  ///
  /// - Parameter write: Given the gradient's elements and whether to add to them (true) or to
  ///   overwrite them (false).
  func addGradient(_ write: (_ gradient: UnsafeMutablePointer<Float>, _ adds: Bool) -> Void) {
    if origin == nil { workspace.sampleGradients?.noteGradient() }
    precondition(!gradient.isFinal, "an operation adds to a parameter that is not among its inputs")
    gradient.makeOwn(in: workspace.pool)
    let buffer = gradient.buffer ?? workspace.pool.buffer(count: shape.count)
    gradient.buffer = buffer
    write(buffer.pointer, gradient.isFilled)
    gradient.isFilled = true
  }

  /// Hands a whole gradient on, without copying it where there is none yet.
  func passGradient(_ other: Tensor) {
    if !gradient.isFilled && gradient.buffer == nil {
      gradient.buffer = other.buffer
      gradient.isFilled = true
      return
    }
    addGradient { destination, adds in
      let threads = workspace.threads
      threads.run(over: shape.count, grain: Grain.elementwise) { range in
        let source = other.pointer + range.lowerBound
        if adds {
          CKernels_accumulate(source, destination + range.lowerBound, Int64(range.count))
        } else {
          (destination + range.lowerBound).update(from: source, count: range.count)
        }
      }
    }
  }
}

extension Operation {
  /// Runs the backward pass with the complete gradient of the output.
  fileprivate func propagate(in workspace: Workspace) {
    guard let rule else {
      preconditionFailure("backward() went through this part of the graph before")
    }
    // An output that never contributed to the result has no gradient to hand on.
    guard outputGradient.isFilled, let buffer = outputGradient.buffer else { return }
    outputGradient.buffer = nil
    let gradient = Tensor(shape: shape, workspace: workspace, buffer: buffer)
    switch rule {
    case .backward(let backward): backward(gradient)
    case .recomputation(let compute):
      // The new records have larger numbers than all that are pending: they run next, in the order
      // in which they would have run without recomputation.
      guard let output = compute().node else { return }
      output.passGradient(gradient)
      inputs = [output]
    }
  }
}

/// Orders operations by when they were recorded.
private struct PendingOperation: Comparable {
  let operation: Operation

  init(_ operation: Operation) { self.operation = operation }

  static func < (left: Self, right: Self) -> Bool {
    left.operation.sequenceNumber < right.operation.sequenceNumber
  }

  static func == (left: Self, right: Self) -> Bool { left.operation === right.operation }
}
