import LockstepParallelism

/// What the tensors of one rank share: memory, threads, the place in the random streams, and
/// whether operations are recorded for differentiation. A workspace belongs to one thread.
public final class Workspace {
  public let pool: BufferPool
  public let threads: ThreadPool
  /// Multiply a model's matrices.
  public let products: Products

  /// For what is quickly computed again, but not at once: 48 MiB.
  package let spare = SpareMemory(count: 12 << 20)
  /// Whether memory counts for more than time: parts of the network are recomputed (`Tensor.recomputing(_:)`).
  var savesMemory = false

  /// Whether operations record how to differentiate themselves.
  public private(set) var isRecording = true
  /// Whether dropout drops.
  public var isTraining = false

  /// What operations that are not recorded use; nil: nobody asks.
  private var notedUses: [GradientSlot]?
  /// Counts the recorded operations: an operation's inputs always have smaller numbers.
  private var recordedCount = 0

  /// Tables of rotary embeddings, by their frequencies; they hold buffers, not tensors, which would
  /// hold the workspace in turn.
  private var rotaryTables: [RotaryFrequencies: RotaryTable] = [:]

  private var randomPlace = RandomPlace()

  /// Sees every module's output and its gradient while it is set; see `ActivationObserver`.
  public var observer: (any ActivationObserver)?

  /// Tells samples' gradients apart in backward passes while it is set.
  package var sampleGradients: SampleGradients?

  /// - Parameters:
  ///   - threadCount: The threads of this rank, at least 1. Default: 1.
  ///   - format: What the factors of products are rounded to. Default: float32.
  ///   - library: Multiplies matrices. Default: Lockstep's own kernels.
  public init(
    threadCount: Int = 1, format: ProductFormat = .float32, library: ProductLibrary = .canonical
  ) {
    pool = BufferPool()
    threads = ThreadPool(threadCount: threadCount)
    products = Products(format: format, library: library, threads: threads)
  }

  /// Places the random streams: dropout masks of this micro-batch are a function of these numbers
  /// and of the order in which the layers run.
  public func seekRandom(seed: UInt64, step: Int, microbatch: Int) {
    randomPlace = RandomPlace(seed: seed, step: step, microbatch: microbatch)
  }

  /// Whether a layer has needed random numbers since `seekRandom`.
  package var hasDrawn: Bool { randomPlace.site > 0 }

  /// The stream of the next layer that needs random numbers in this micro-batch.
  func nextRandomStream(_ purpose: RandomPurpose) -> RandomStream {
    defer { randomPlace.site += 1 }
    return RandomStream(
      seed: randomPlace.seed, purpose: purpose, site: randomPlace.site, step: randomPlace.step,
      microbatch: randomPlace.microbatch)
  }

  /// The table of these frequencies, of at least so many positions; made anew, twice as long, when
  /// it is too short.
  func rotaryTable(_ frequencies: RotaryFrequencies, positions: Int) -> RotaryTable {
    let known = rotaryTables[frequencies]
    if let known, known.positions >= positions { return known }
    let table = RotaryTable(
      frequencies, positions: max(positions, 2 * (known?.positions ?? 0)), in: pool)
    rotaryTables[frequencies] = table
    return table
  }

  func nextSequenceNumber() -> Int {
    recordedCount += 1
    return recordedCount
  }

  /// Runs `body` without recording: nothing in it can be differentiated, and intermediate memory
  /// is reused at once.
  public func withoutRecording<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = isRecording
    isRecording = false
    defer { isRecording = before }
    return try body()
  }

  /// Runs `body` and returns, too, the variables and parameters that its operations use though nothing
  /// is recorded.
  func notingUses<Result>(_ body: () throws -> Result) rethrows -> (Result, [GradientSlot]) {
    let before = notedUses
    notedUses = []
    defer { notedUses = before }
    let result = try body()
    return (result, notedUses ?? [])
  }

  var isNotingUses: Bool { notedUses != nil }

  /// An operation that is not recorded uses these.
  func noteUse(of leaves: [GradientSlot]) { notedUses?.append(contentsOf: leaves) }

  /// What a computation depends on besides its inputs, as it is now.
  var circumstances: Circumstances {
    Circumstances(randomPlace: randomPlace, isTraining: isTraining, observer: observer)
  }

  /// Runs `body`, recorded, as if it were still the time of these circumstances. The observer, who
  /// saw the values then, sees gradients only.
  func recording<Result>(
    again past: Circumstances, _ body: () throws -> Result
  ) rethrows -> Result {
    let (present, wasRecording, wasRepeating) = (circumstances, isRecording, products.isRepeating)
    func enter(_ circumstances: Circumstances) {
      randomPlace = circumstances.randomPlace
      isTraining = circumstances.isTraining
      observer = circumstances.observer
    }
    enter(past)
    observer = past.observer.map(GradientObserver.init)
    isRecording = true
    products.isRepeating = true
    defer {
      enter(present)
      isRecording = wasRecording
      products.isRepeating = wasRepeating
    }
    return try body()
  }
}

/// The state of a workspace that operations read.
struct Circumstances {
  fileprivate let randomPlace: RandomPlace
  fileprivate let isTraining: Bool
  fileprivate let observer: (any ActivationObserver)?
}

/// Where the next random stream comes from.
private struct RandomPlace {
  var seed: UInt64 = 0
  var step = 0
  var microbatch = 0
  var site = 0
}

/// Looks at activations and their gradients as they pass; used by `lockstep debug --trace`.
public protocol ActivationObserver: AnyObject {
  /// Called with the output of each named layer in the forward pass.
  func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape)
  /// Called with the complete gradient of that output in the backward pass.
  func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape)
}

/// Hands on gradients, and not values, which the observer has seen.
private final class GradientObserver: ActivationObserver {
  private let observer: any ActivationObserver

  init(_ observer: any ActivationObserver) { self.observer = observer }

  func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {}

  func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {
    observer.backward(name, gradient, shape: shape)
  }
}
