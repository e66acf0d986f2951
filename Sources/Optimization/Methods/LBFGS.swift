import CLockstepKernels
import LockstepParallelism
import LockstepSettings

/// A quasi-Newton method: the inverse of the Hessian is known by its effect on the last steps. For
/// batches that hold all of the data, the same at each step.
///
///     y = g - last g,  s = last step;  kept where y·s > 10⁻¹⁰, the newest `history` of them
///     d = -H g by the two-loop recursion, H = y·s / y·y at first
///     p = p + rate · d;  in the first step rate · min(1, 1 / ‖g‖₁), and d = -g
///
/// J. Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", 1980, as `torch.optim.LBFGS`
/// with one iteration a step and no line search. Inner products are summed over fixed blocks of
/// 65,536 elements, then over the blocks in order. Checkpoints call y `difference_0` and so on, s
/// `step_0` and so on, d `direction` and the last g `last_gradient`.
public struct LBFGS: OptimizerMethod, Configurable {
  /// How many steps H is made of.
  public var history = 10
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "history", \.history, .within(1...100),
        meaning: "How many of the last steps the inverse Hessian is made of; each takes memory "
          + "for two copies of the parameters, over all ranks."),
      coupledDecay(\.weightDecay),
    ]
  }

  public func stateElementCount(of tensor: OptimizedTensor) -> Double {
    Double(2 * history + 2) * Double(tensor.range.count)
  }

  public func optimizer(
    for layout: ParameterLayout, peers: any OptimizerPeers, threads: ThreadPool
  ) -> any Optimizer {
    LBFGSOptimizer(self, layout: layout, peers: peers, threads: threads)
  }
}

/// L-BFGS over the ranks' parts: vectors are shared out, inner products go over all ranks.
final class LBFGSOptimizer: Optimizer {
  let layout: ParameterLayout
  let states: [OptimizerState]

  private typealias Vector = UnsafeMutableBufferPointer<Float>

  private let history: Int
  private let map: SliceMap
  private let peers: any OptimizerPeers
  private let threads: ThreadPool
  private let differences: [StateBuffer]
  private let steps: [StateBuffer]
  private let direction: StateBuffer
  private let lastGradient: StateBuffer
  /// The gradient of this rank's elements, one after the other.
  private let gradient: StateBuffer

  /// What is remembered beside the vectors.
  private struct Memory {
    /// Places of the pairs, the oldest first.
    var places: [Int] = []
    /// Updates so far.
    var updates = 0
    /// Factor with which the last direction was taken.
    var lastRate = 0.0
  }
  private var memory = Memory()

  init(
    _ method: LBFGS, layout: ParameterLayout, peers: any OptimizerPeers, threads: ThreadPool
  ) {
    self.layout = layout
    self.peers = peers
    self.threads = threads
    history = method.history
    map = SliceMap(layout, weightDecay: method.weightDecay)
    func buffer() -> StateBuffer { StateBuffer(count: layout.ownCount, threads: threads) }
    let differences = (0..<history).map { _ in buffer() }
    let steps = (0..<history).map { _ in buffer() }
    (self.differences, self.steps) = (differences, steps)
    (direction, lastGradient, gradient) = (buffer(), buffer(), buffer())
    states =
      differences.enumerated().map { layout.state("difference_\($0)", values: $1.values) }
      + steps.enumerated().map { layout.state("step_\($0)", values: $1.values) }
      + [
        layout.state("direction", values: direction.values),
        layout.state("last_gradient", values: lastGradient.values),
      ]
  }

  var notes: [String: String] {
    [
      "lbfgs_places": memory.places.map(String.init).joined(separator: " "),
      "lbfgs_updates": String(memory.updates), "lbfgs_last_rate": String(memory.lastRate),
    ]
  }

  /// Vectors without these numbers, or with others, are of no use: all must be there.
  func resume(from notes: [String: String]) throws {
    func note<Value>(
      _ name: String, _ expected: String, _ read: (String) -> Value?
    ) throws(DescriptionError) -> Value {
      if let value = notes[name].flatMap(read) { return value }
      let found = notes[name].map { "found '\($0)'" } ?? "is missing"
      throw DescriptionError(path: name, problems: ["\(found), expected \(expected)"])
    }
    memory.places = try note(
      "lbfgs_places", "different whole numbers below history (\(history)), separated by spaces"
    ) { text in
      let words = text.split(separator: " ", omittingEmptySubsequences: true)
      let places = words.compactMap { Int($0) }
      let isSound =
        places.count == words.count && Set(places).count == places.count
        && places.allSatisfy((0..<history).contains)
      return isSound ? places : nil
    }
    let largest = Requirement<Int>.largestCount
    memory.updates = try note("lbfgs_updates", "a whole number from 0 to \(largest)") {
      Int($0).flatMap { (0...largest).contains($0) ? $0 : nil }
    }
    memory.lastRate = try note("lbfgs_last_rate", "a finite number of at least 0") {
      Double($0).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }
  }

  func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeMutableBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double
  ) throws {
    check(parameters, gradient, step: step)
    prepare(from: gradient, parameters, scale: scale)
    let gradient = self.gradient.values
    var rate = learningRate
    if memory.updates == 0 {
      fill(direction.values, with: gradient, times: -1)
      let length = try sum(over: (gradient, gradient)) { CKernels_sumMagnitudes($0, $2) }
      rate *= min(1, 1 / length)
    } else {
      let curvature = try remember(gradient)
      try findDirection(gradient, curvature: curvature)
    }
    fill(lastGradient.values, with: gradient, times: 1)
    // Where the direction hardly leads down any more, this is the minimum.
    let slope = try product(gradient, direction.values)
    if slope > -1e-9 { rate = 0 }
    move(parameters, along: direction.values, rate: rate)
    memory.updates = min(memory.updates + 1, Requirement<Int>.largestCount)
    memory.lastRate = rate
  }

  /// This rank's gradient = scale · gradient + decay · parameters.
  private func prepare(from gradient: Vector, _ parameters: Vector, scale: Float) {
    guard let source = gradient.baseAddress, let parameters = parameters.baseAddress,
      let own = self.gradient.values.baseAddress
    else { return }
    map.forEachRun(on: threads) { run in
      let values = own + run.range.lowerBound
      CKernels_scale(source + run.start, scale, values, run.count)
      guard run.segment.weightDecay > 0 else { return }
      CKernels_accumulateScaled(
        parameters + run.start, Float(run.segment.weightDecay), values, run.count)
    }
  }

  /// parameters += rate · direction, of this rank's elements.
  private func move(_ parameters: Vector, along direction: Vector, rate: Double) {
    guard let parameters = parameters.baseAddress, let direction = direction.baseAddress else {
      return
    }
    map.forEachRun(on: threads) { run in
      CKernels_accumulateScaled(
        direction + run.range.lowerBound, Float(rate), parameters + run.start, run.count)
    }
  }

  /// Takes the last step into the history, if the gradient rose along it.
  ///
  /// - Returns: y·s / y·y of the newest pair; 1 where there is none.
  private func remember(_ gradient: Vector) throws -> Double {
    let free = (0..<history).first { !memory.places.contains($0) }
    // Without a free place, the oldest pair gives way, if the new one is worth it; until then the
    // new one is put together where the last gradient and direction are, which are needed no more.
    let (y, s) = (lastGradient.values, direction.values)
    combine(y, keep: -1, gradient, rate: 1)
    combine(s, keep: Float(memory.lastRate), s, rate: 0)
    if try product(y, s) > 1e-10 {
      let place = free ?? memory.places.removeFirst()
      fill(differences[place].values, with: y, times: 1)
      fill(steps[place].values, with: s, times: 1)
      memory.places.append(place)
    }
    guard let newest = memory.places.last else { return 1 }
    let difference = differences[newest].values
    return try product(difference, steps[newest].values) / product(difference, difference)
  }

  /// d = -H g by the two-loop recursion.
  private func findDirection(
    _ gradient: Vector, curvature: Double
  ) throws {
    let d = direction.values
    fill(d, with: gradient, times: -1)
    var shares: [(place: Int, inverse: Double, share: Double)] = []
    for place in memory.places.reversed() {
      let (y, s) = (differences[place].values, steps[place].values)
      let inverse = try 1 / product(y, s)
      let share = try product(s, d) * inverse
      add(y, times: -share, to: d)
      shares.append((place, inverse, share))
    }
    combine(d, keep: Float(curvature), d, rate: 0)
    for (place, inverse, share) in shares.reversed() {
      let other = try product(differences[place].values, d) * inverse
      add(steps[place].values, times: share - other, to: d)
    }
  }
}

// MARK: - Vectors over all ranks

extension LBFGSOptimizer {
  /// Elements of a block of a sum; parts begin at multiples of it.
  private static let blockSize = 65_536

  private func product(
    _ a: Vector, _ b: Vector
  ) throws -> Double {
    try sum(over: (a, b)) { CKernels_sumProducts($0, $1, $2) }
  }

  /// A sum over all elements of all ranks: over each block, then over the blocks in order.
  /// Collective.
  private func sum(
    over vectors: (Vector, Vector),
    _ block: (UnsafePointer<Float>, UnsafePointer<Float>, Int64) -> Double
  ) throws -> Double {
    let blocks = layout.parts.map { $0.flatMap(Self.blocks) }
    var sums = [Double](repeating: 0, count: blocks.map(\.count).max() ?? 0)
    if let a = vectors.0.baseAddress, let b = vectors.1.baseAddress {
      var start = 0
      for (index, elements) in blocks[layout.rank].enumerated() {
        sums[index] = block(a + start, b + start, Int64(elements.count))
        start += elements.count
      }
    }
    let gathered = try peers.allGather(sums)
    return zip(blocks, gathered).flatMap { zip($0, $1) }
      .sorted { $0.0.lowerBound < $1.0.lowerBound }.reduce(0) { $0 + $1.1 }
  }

  /// The blocks of a part, which begins with one.
  private static func blocks(of part: Range<Int>) -> [Range<Int>] {
    stride(from: part.lowerBound, to: part.upperBound, by: blockSize).map {
      $0..<min($0 + blockSize, part.upperBound)
    }
  }

  /// a = keep · a + rate · b.
  private func combine(
    _ a: Vector, keep: Float,
    _ b: Vector, rate: Float
  ) {
    guard let a = a.baseAddress, let b = b.baseAddress else { return }
    threads.run(over: layout.ownCount, grain: SliceMap.grain) { range in
      let (start, count) = (range.lowerBound, Int64(range.count))
      CKernels_scale(a + start, keep, a + start, count)
      if rate != 0 { CKernels_accumulateScaled(b + start, rate, a + start, count) }
    }
  }

  /// a = factor · b.
  private func fill(
    _ a: Vector, with b: Vector,
    times factor: Float
  ) {
    guard let a = a.baseAddress, let b = b.baseAddress else { return }
    threads.run(over: layout.ownCount, grain: SliceMap.grain) { range in
      CKernels_scale(
        b + range.lowerBound, factor, a + range.lowerBound, Int64(range.count))
    }
  }

  /// b += factor · a.
  private func add(
    _ a: Vector, times factor: Double,
    to b: Vector
  ) {
    guard let a = a.baseAddress, let b = b.baseAddress else { return }
    threads.run(over: layout.ownCount, grain: SliceMap.grain) { range in
      CKernels_accumulateScaled(
        a + range.lowerBound, Float(factor), b + range.lowerBound, Int64(range.count))
    }
  }
}
