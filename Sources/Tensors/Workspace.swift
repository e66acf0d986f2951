import Parallelism

/// What the tensors of one rank share: memory, threads, the place in the random streams, and
/// whether operations are recorded for differentiation. A workspace belongs to one thread.
public final class Workspace {
  public let pool: BufferPool
  public let threads: ThreadPool

  /// Whether operations record how to differentiate themselves.
  public private(set) var isRecording = true
  /// Whether dropout drops.
  public var isTraining = false

  /// Counts the recorded operations: an operation's inputs always have smaller numbers.
  private var recordedCount = 0

  /// Tables of rotary embeddings, by their frequencies; they hold buffers, not tensors, which would
  /// hold the workspace in turn.
  private var rotaryTables: [RotaryFrequencies: RotaryTable] = [:]

  private var randomSeed: UInt64 = 0
  private var randomStep = 0
  private var randomMicrobatch = 0
  private var randomSite = 0

  /// Sees every module's output and its gradient while it is set; see `ActivationObserver`.
  public var observer: (any ActivationObserver)?

  /// - Parameter threadCount: The threads of this rank, at least 1. Default: 1.
  public init(threadCount: Int = 1) {
    pool = BufferPool()
    threads = ThreadPool(threadCount: threadCount)
  }

  /// Places the random streams: dropout masks of this micro-batch are a function of these numbers
  /// and of the order in which the layers run.
  public func seekRandom(seed: UInt64, step: Int, microbatch: Int) {
    randomSeed = seed
    randomStep = step
    randomMicrobatch = microbatch
    randomSite = 0
  }

  /// The stream of the next layer that needs random numbers in this micro-batch.
  func nextRandomStream(_ purpose: RandomPurpose) -> RandomStream {
    defer { randomSite += 1 }
    return RandomStream(
      seed: randomSeed, purpose: purpose, site: randomSite, step: randomStep,
      microbatch: randomMicrobatch)
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
}

/// Looks at activations and their gradients as they pass; used by `lockstep debug --trace`.
public protocol ActivationObserver: AnyObject {
  /// Called with the output of each named layer in the forward pass.
  func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape)
  /// Called with the complete gradient of that output in the backward pass.
  func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape)
}
