import LockstepParallelism

/// A method that updates every element by itself, from its gradient and what it remembers of it.
public protocol ElementwiseMethod: OptimizerMethod {
  /// Applies where a tensor decays and its group says nothing else.
  var weightDecay: Double { get }

  /// Names in a checkpoint of what is remembered for each element.
  var stateNames: [String] { get }

  /// What states are filled with at first. Default: 0.
  var initialState: Float { get }

  /// A number whose product over all steps the method needs. Default: 1.
  func factor(step: Int) -> Double

  /// Updates some elements. Called from several threads at a time.
  func update(_ run: ElementRun, at point: UpdatePoint)
}

/// Some elements and what is remembered of them. The pointers hold during the update only.
public struct ElementRun {
  /// The elements' values, to be changed in place.
  public let parameters: UnsafeMutablePointer<Float>
  /// Their gradients, summed over targets and not yet scaled: see `UpdatePoint.scale`.
  public let gradient: UnsafePointer<Float>
  /// How many there are, as kernels take it.
  let count: Int64
  private let states: [UnsafeMutablePointer<Float>]
  private let start: Int

  /// - Parameters:
  ///   - parameters: The flat buffer, as `gradient`.
  ///   - states: Of the rank's elements.
  init(
    parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    states: [UnsafeMutablePointer<Float>], run: SliceMap.Run
  ) {
    self.parameters = parameters + run.start
    self.gradient = gradient + run.start
    self.states = states
    start = run.range.lowerBound
    count = run.count
  }

  /// How many there are. Where a run begins and ends depends on the numbers of ranks and threads: what
  /// becomes of an element must not.
  public var elementCount: Int { Int(count) }

  /// The values of the state with this place in `stateNames`, to be changed in place.
  public func state(_ index: Int) -> UnsafeMutablePointer<Float> { states[index] + start }
}

extension ElementwiseMethod {
  public var initialState: Float { 0 }

  public func factor(step: Int) -> Double { 1 }

  public func stateElementCount(of tensor: OptimizedTensor) -> Double {
    Double(stateNames.count) * Double(tensor.range.count)
  }

  public func optimizer(
    for layout: ParameterLayout, peers: any OptimizerPeers, threads: ThreadPool
  ) -> any Optimizer {
    ElementwiseOptimizer(self, layout: layout, threads: threads)
  }
}

/// Applies an elementwise method to what a rank updates. Elements know nothing of each other, so ranks need
/// nothing of each other.
public final class ElementwiseOptimizer<Method: ElementwiseMethod>: Optimizer {
  public let layout: ParameterLayout
  public let method: Method
  public let states: [OptimizerState]

  private let map: SliceMap
  private let threads: ThreadPool
  private let buffers: [StateBuffer]
  private let pointers: [UnsafeMutablePointer<Float>]
  /// The product of the method's factors, and the step up to which it goes.
  private var product = (upTo: 0, value: 1.0)

  public init(
    _ method: Method, layout: ParameterLayout, threads: ThreadPool = ThreadPool()
  ) {
    self.method = method
    self.layout = layout
    self.threads = threads
    map = SliceMap(layout, weightDecay: method.weightDecay)
    let buffers = method.stateNames.map { _ in
      StateBuffer(count: layout.ownCount, threads: threads)
    }
    self.buffers = buffers
    states = zip(method.stateNames, buffers).map { layout.state($0, values: $1.values) }
    pointers = buffers.compactMap(\.values.baseAddress)
    if method.initialState != 0 {
      for buffer in buffers { buffer.values.update(repeating: method.initialState) }
    }
  }

  public func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeMutableBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double
  ) {
    check(parameters, gradient, step: step)
    // A rank can be left without elements where there are more ranks than work.
    guard layout.ownCount > 0, let parameters = parameters.baseAddress,
      let gradient = gradient.baseAddress
    else { return }
    let product = factorProduct(upTo: step)
    map.forEachRun(on: threads) { run in
      method.update(
        ElementRun(parameters: parameters, gradient: gradient, states: pointers, run: run),
        at: UpdatePoint(
          scale: scale, step: step, learningRate: learningRate * run.segment.rate,
          weightDecay: run.segment.weightDecay, factorProduct: product))
    }
  }

  /// Factors multiply in the order of the steps, whether the run was resumed between them or not.
  private func factorProduct(upTo step: Int) -> Double {
    if step <= product.upTo { product = (upTo: 0, value: 1) }
    while product.upTo < step {
      product.upTo += 1
      product.value *= method.factor(step: product.upTo)
    }
    return product.value
  }
}
