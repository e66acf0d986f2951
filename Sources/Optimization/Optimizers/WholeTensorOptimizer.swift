import CLockstepKernels
import LockstepParallelism
import LockstepTensors

/// A method that updates a tensor as a whole, because it needs its norm, its rows or its products.
public protocol TensorMethod: OptimizerMethod {
  /// Applies where a tensor decays and its group says nothing else.
  var weightDecay: Double { get }

  /// What is remembered of a tensor: names in a checkpoint, and shapes.
  func stateShapes(of tensor: OptimizedTensor) -> [(name: String, shape: [Int])]

  /// The work of an update, in any unit: what tensors are shared out to the ranks by. Default: the
  /// number of elements.
  func cost(of tensor: OptimizedTensor) -> Int

  /// Floats of memory that an update needs besides. Default: none.
  func scratchCount(for tensor: OptimizedTensor) -> Int

  /// Puts the tensor's new values in the place of its gradient.
  func update(_ update: TensorUpdate)
}

extension TensorMethod {
  public func cost(of tensor: OptimizedTensor) -> Int { tensor.range.count }

  public func scratchCount(for tensor: OptimizedTensor) -> Int { 0 }

  public func stateElementCount(of tensor: OptimizedTensor) -> Double {
    stateShapes(of: tensor).reduce(0) { $0 + $1.shape.reduce(1.0) { $0 * Double($1) } }
  }

  public func optimizer(
    for layout: ParameterLayout, peers: any OptimizerPeers, threads: ThreadPool
  ) -> any Optimizer {
    WholeTensorOptimizer(self, layout: layout, peers: peers, threads: threads)
  }
}

/// One tensor and all that its update needs. The pointers hold during the update only.
public struct TensorUpdate {
  /// The name, the shape, and what its group says.
  public let tensor: OptimizedTensor
  /// The values before the update.
  public let parameters: UnsafePointer<Float>
  /// The scaled gradient, and afterwards the new values.
  public let gradient: UnsafeMutablePointer<Float>
  /// In the order of `stateShapes`.
  public let states: [UnsafeMutablePointer<Float>]
  /// As many floats as `scratchCount` asked for; whatever was there before.
  public let scratch: UnsafeMutablePointer<Float>
  /// From 1.
  public let step: Int
  /// The schedule's, times the group's factor.
  public let learningRate: Double
  /// The method's or the group's; 0 for what does not decay.
  public let weightDecay: Double
  /// The optimiser's own, of single precision.
  let products: Products

  /// Share the work.
  public var threads: ThreadPool { products.threads }

  /// Elements of the tensor.
  public var count: Int { tensor.range.count }

  /// The Euclidean norm of as many values as the tensor has.
  public func norm(_ values: UnsafePointer<Float>) -> Double {
    blockSum { CKernels_sumSquares(values + $0.lowerBound, Int64($0.count)) }.squareRoot()
  }

  /// A sum over the tensor's elements: over fixed blocks, then over the blocks in order.
  public func blockSum(_ sum: (Range<Int>) -> Double) -> Double {
    let block = 65_536
    return stride(from: 0, to: count, by: block).reduce(0.0) { total, start in
      total + sum(start..<min(start + block, count))
    }
  }

  /// Runs an elementwise pass on all threads.
  public func elementwise(_ body: (_ start: Int, _ count: Int64) -> Void) {
    threads.run(over: count, grain: SliceMap.grain) { body($0.lowerBound, Int64($0.count)) }
  }

  /// new values = keep · parameters - rate · direction, where the direction is in the gradient's
  /// place.
  public func finish(keep: Double = 1, rate: Double) {
    elementwise { start, count in
      CKernels_moveAlong(
        parameters + start, gradient + start, Float(keep), Float(rate), count)
    }
  }
}

/// Applies a method that needs whole tensors. Each tensor has an owner: the ranks send it their
/// parts of the gradient, it computes the new values, and sends them back to the ranks whose parts
/// they are in.
///
/// Owners are assigned by cost alone (the costliest tensor first, each to the rank with the least
/// so far), and a tensor's update is the same computation on any rank.
public final class WholeTensorOptimizer<Method: TensorMethod>: Optimizer {
  public let layout: ParameterLayout
  public let method: Method
  public let states: [OptimizerState]

  private let peers: any OptimizerPeers
  private let threads: ThreadPool
  private let products: Products
  private let owners: [Int]
  /// One of the pieces into which the ranks' parts cut the tensors: what travels.
  private struct Piece {
    let tensor: Int
    let elements: Range<Int>
    let rank: Int
  }
  private let pieces: [Piece]
  /// Of this rank's tensors: where their gradients lie in `gradients`; nil for others'.
  private let places: [Int?]
  private let gradients: StateBuffer
  private let scratch: StateBuffer
  private let stateBuffer: StateBuffer
  /// Of this rank's tensors: where their states lie.
  private let statePointers: [[UnsafeMutablePointer<Float>]]

  public init(
    _ method: Method, layout: ParameterLayout, peers: any OptimizerPeers = NoPeers(),
    threads: ThreadPool = ThreadPool()
  ) {
    self.method = method
    self.layout = layout
    self.peers = peers
    self.threads = threads
    products = Products(threads: threads)
    let tensors = layout.tensors
    let owners = Self.owners(of: tensors.map(method.cost), ranks: layout.parts.count)
    self.owners = owners
    let owned = layout.owned
    pieces = tensors.indices.flatMap { index in
      owned.compactMap { rank, part in
        let elements = tensors[index].range.clamped(to: part)
        return elements.isEmpty ? nil : Piece(tensor: index, elements: elements, rank: rank)
      }
    }
    var places: [Int?] = []
    var count = 0
    for (tensor, owner) in zip(tensors, owners) {
      places.append(owner == layout.rank ? count : nil)
      if owner == layout.rank { count += Self.padded(tensor.range.count) }
    }
    self.places = places
    gradients = StateBuffer(count: count, threads: threads)
    let own = tensors.indices.filter { owners[$0] == layout.rank }
    scratch = StateBuffer(
      count: own.map { method.scratchCount(for: tensors[$0]) }.max() ?? 0, threads: threads)

    let table = StateTable(method, tensors: tensors, owners: owners, rank: layout.rank)
    let buffer = StateBuffer(count: table.ownCount, threads: threads)
    stateBuffer = buffer
    statePointers = table.ownPlaces.map { places in
      places.compactMap { buffer.values.baseAddress?.advanced(by: $0) }
    }
    states = table.elementCount > 0 ? [table.state(values: buffer.values)] : []
  }

  /// The rank that owns each tensor: the costliest first, each to the rank with the least so far,
  /// the lowest of them.
  static func owners(of costs: [Int], ranks: Int) -> [Int] {
    var owners = [Int](repeating: 0, count: costs.count)
    var loads = [Int](repeating: 0, count: ranks)
    let order = costs.indices.sorted { (costs[$1], $0) < (costs[$0], $1) }
    for tensor in order {
      let rank = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
      owners[tensor] = rank
      loads[rank] += max(1, costs[tensor])
    }
    return owners
  }

  /// Whole cache lines.
  fileprivate static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  public func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeMutableBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double
  ) throws {
    check(parameters, gradient, step: step)
    try gather(gradient)
    for (index, tensor) in layout.tensors.enumerated() {
      guard let values = ownGradient(index), let base = parameters.baseAddress,
        let pointer = values.baseAddress, let scratch = scratch.values.baseAddress
      else { continue }
      threads.run(over: values.count, grain: SliceMap.grain) { range in
        let start = pointer + range.lowerBound
        CKernels_scale(start, scale, start, Int64(range.count))
      }
      method.update(
        TensorUpdate(
          tensor: tensor, parameters: base + tensor.range.lowerBound, gradient: pointer,
          states: statePointers[index], scratch: scratch, step: step,
          learningRate: learningRate * tensor.rate,
          weightDecay: tensor.weightDecay(of: method.weightDecay), products: products))
    }
    try spread(into: parameters)
  }

  /// Where the gradient of one of this rank's tensors is put together; nil for others'.
  private func ownGradient(_ tensor: Int) -> UnsafeMutableBufferPointer<Float>? {
    places[tensor].map { place in
      let count = layout.tensors[tensor].range.count
      return UnsafeMutableBufferPointer(rebasing: gradients.values[place..<place + count])
    }
  }

  /// The part of an owned tensor that a piece is.
  private func ownPart(_ piece: Piece) -> UnsafeMutableBufferPointer<Float>? {
    let start = layout.tensors[piece.tensor].range.lowerBound
    return ownGradient(piece.tensor).map { values in
      UnsafeMutableBufferPointer(
        rebasing: values[piece.elements.lowerBound - start..<piece.elements.upperBound - start])
    }
  }

  /// Brings the gradients of tensors to their owners. Collective.
  private func gather(_ gradient: UnsafeMutableBufferPointer<Float>) throws {
    try move { piece in
      UnsafeMutableBufferPointer(rebasing: gradient[piece.elements])
    } send: { piece, mine in
      .send(UnsafeBufferPointer(mine), to: owners[piece.tensor])
    } receive: { piece, whole in
      .receive(whole, from: piece.rank)
    } copy: { mine, whole in
      _ = whole.update(fromContentsOf: mine)
    }
  }

  /// Brings the new values to the ranks whose parts they are in. Collective.
  ///
  /// A rank's part of a tensor is written when its owner, which may be reading all of the tensor,
  /// has finished with it.
  private func spread(into parameters: UnsafeMutableBufferPointer<Float>) throws {
    try move { piece in
      UnsafeMutableBufferPointer(rebasing: parameters[piece.elements])
    } send: { piece, mine in
      .receive(mine, from: owners[piece.tensor])
    } receive: { piece, whole in
      .send(UnsafeBufferPointer(whole), to: piece.rank)
    } copy: { mine, whole in
      _ = mine.update(fromContentsOf: whole)
    }
  }

  /// One exchange over all pieces.
  ///
  /// - Parameters:
  ///   - mine: The memory of a piece that is this rank's to write.
  ///   - send: The message for a piece that is this rank's to write, of another's tensor.
  ///   - receive: The message for a piece of this rank's tensor, another's to write.
  ///   - copy: What to do where both are this rank's.
  private func move(
    _ mine: (Piece) -> UnsafeMutableBufferPointer<Float>,
    send: (Piece, UnsafeMutableBufferPointer<Float>) -> OptimizerMessage,
    receive: (Piece, UnsafeMutableBufferPointer<Float>) -> OptimizerMessage,
    copy: (UnsafeMutableBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws {
    var messages: [OptimizerMessage] = []
    for piece in pieces {
      switch (piece.rank == layout.rank, ownPart(piece)) {
      case (true, let whole?): copy(mine(piece), whole)
      case (true, nil): messages.append(send(piece, mine(piece)))
      case (false, let whole?): messages.append(receive(piece, whole))
      case (false, nil): break
      }
    }
    try peers.exchange(messages)
  }
}

/// The flat vector of all tensors' states, in the order of the tensors, and which rank holds what.
private struct StateTable {
  private var tensors: [OptimizerState.Tensor] = []
  private var parts: [OptimizerState.Part] = []
  private(set) var elementCount = 0
  /// Elements that this rank holds.
  private(set) var ownCount = 0
  /// For each tensor, where its states lie in this rank's memory; none for others' tensors.
  private(set) var ownPlaces: [[Int]] = []

  init(
    _ method: some TensorMethod, tensors: [OptimizedTensor], owners: [Int], rank: Int
  ) {
    for (tensor, owner) in zip(tensors, owners) {
      let start = elementCount
      var places: [Int] = []
      for (name, shape) in method.stateShapes(of: tensor) {
        let count = shape.reduce(1, *)
        if owner == rank { places.append(ownCount + elementCount - start) }
        self.tensors.append(
          OptimizerState.Tensor(
            name: "\(name)/\(tensor.name)", shape: shape,
            elements: elementCount..<elementCount + count))
        elementCount += (count + 15) / 16 * 16
      }
      ownPlaces.append(places)
      guard elementCount > start else { continue }
      parts.append(OptimizerState.Part(rank: owner, elements: start..<elementCount))
      if owner == rank { ownCount += elementCount - start }
    }
  }

  func state(values: UnsafeMutableBufferPointer<Float>) -> OptimizerState {
    OptimizerState(tensors: tensors, elementCount: elementCount, parts: parts, values: values)
  }
}
