#if canImport(Glibc)
  import Glibc
#endif

/// Hands out float buffers and takes them back when their last user lets go, so that every step
/// runs in the memory of the step before: after the second step nothing is allocated and no page
/// is touched for the first time.
///
/// Buffers are kept by exact size (rounded up to a cache line): a training step asks for the same
/// sizes each time. A pool belongs to one thread.
public final class BufferPool {
  private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
  /// All sizes that were ever allocated, ascending.
  private var capacities: [Int] = []

  /// Whether a size of which no buffer is free may be served from the smallest larger one, up to eight
  /// times as large, and one that has to be allocated replaces the largest smaller one that is free:
  /// where batches differ in shape, all shapes then share about the memory of the largest. Where they do
  /// not, it would only waste memory. Default: false.
  public var sharesSizes = false

  /// Bytes obtained from the system since the pool was made.
  public private(set) var allocatedBytes = 0
  /// How often the pool had to ask the system for memory.
  public private(set) var allocationCount = 0
  /// How many buffers are handed out and not yet back.
  public private(set) var lentCount = 0

  /// Bytes obtained since the pool last looked whether the host has enough.
  private var uncheckedBytes = 0

  public init() {}

  /// A buffer of at least `count` floats with any contents.
  func buffer(count: Int) -> Buffer {
    let wanted = Self.capacity(of: count)
    let capacity = freeCapacity(atLeast: wanted) ?? wanted
    let pointer = free[capacity]?.popLast() ?? allocateReplacing(capacity: capacity)
    lentCount += 1
    return Buffer(pointer: pointer, count: count, capacity: capacity, pool: self)
  }

  /// Whether a buffer of so many floats is free, or the host has so much memory that many ranks could
  /// allocate one.
  func canAfford(_ count: Int) -> Bool {
    if free[Self.capacity(of: count)]?.isEmpty == false { return true }
    let bytes = count * MemoryLayout<Float>.stride
    return AvailableMemory.current().map { bytes <= $0 / 64 } ?? true
  }

  private static func capacity(of count: Int) -> Int { max((count + 15) / 16 * 16, 16) }

  /// The size of a free buffer in place of one of the size wanted; nil: that size is free, or has to be
  /// allocated.
  private func freeCapacity(atLeast wanted: Int) -> Int? {
    guard sharesSizes, free[wanted]?.isEmpty != false else { return nil }
    let first = capacities.partitioningIndex { $0 > wanted }
    return capacities[first...].prefix { $0 <= 8 * wanted }.first { free[$0]?.isEmpty == false }
  }

  private func allocateReplacing(capacity: Int) -> UnsafeMutablePointer<Float> {
    if sharesSizes {
      let smaller = capacities[..<capacities.partitioningIndex { $0 >= capacity }]
      if let replaced = smaller.last(where: { free[$0]?.isEmpty == false }),
        let pointer = free[replaced]?.popLast()
      {
        Glibc.free(pointer)
        allocatedBytes -= replaced * MemoryLayout<Float>.stride
      }
    }
    return allocate(capacity: capacity)
  }

  fileprivate func takeBack(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
    free[capacity, default: []].append(pointer)
    lentCount -= 1
  }

  /// Large buffers start on a huge page and ask for huge pages: fewer faults, fewer misses.
  private static let hugePageBytes = 2 << 20

  private func allocate(capacity: Int) -> UnsafeMutablePointer<Float> {
    let bytes = capacity * MemoryLayout<Float>.stride
    uncheckedBytes += bytes
    if uncheckedBytes >= AvailableMemory.leastChecked {
      AvailableMemory.require(uncheckedBytes)
      uncheckedBytes = 0
    }
    let isLarge = bytes >= 2 * Self.hugePageBytes
    var raw: UnsafeMutableRawPointer?
    let code = posix_memalign(&raw, isLarge ? Self.hugePageBytes : 64, bytes)
    guard code == 0, let raw else { AvailableMemory.end(needing: bytes, available: nil) }
    if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    allocatedBytes += bytes
    allocationCount += 1
    let place = capacities.partitioningIndex { $0 >= capacity }
    if place == capacities.count || capacities[place] != capacity {
      capacities.insert(capacity, at: place)
    }
    return raw.bindMemory(to: Float.self, capacity: capacity)
  }

  /// Gives unused buffers back to the system.
  public func trim() {
    for (capacity, pointers) in free {
      for pointer in pointers { Glibc.free(pointer) }
      allocatedBytes -= capacity * pointers.count * MemoryLayout<Float>.stride
    }
    free = [:]
    capacities = []
  }

  deinit {
    for pointers in free.values {
      for pointer in pointers { Glibc.free(pointer) }
    }
  }
}

extension [Int] {
  /// The first place from which on the condition holds, in an array where it holds for all that come
  /// after one for which it does.
  fileprivate func partitioningIndex(where belongsAfter: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongsAfter(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// A span of floats that returns to its pool when nobody holds it, or a view of memory that others
/// own (parameters, gradients).
final class Buffer {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  private let capacity: Int
  private let pool: BufferPool?
  /// The object that must live for as long as a view does.
  private let owner: FloatMemory?

  fileprivate init(
    pointer: UnsafeMutablePointer<Float>, count: Int, capacity: Int, pool: BufferPool
  ) {
    self.pointer = pointer
    self.count = count
    self.capacity = capacity
    self.pool = pool
    owner = nil
  }

  /// A view, which holds the memory's owner.
  init(viewing pointer: UnsafeMutablePointer<Float>, count: Int, owner: FloatMemory) {
    self.pointer = pointer
    self.count = count
    capacity = count
    pool = nil
    self.owner = owner
  }

  /// Whether the memory belongs to somebody else.
  var isView: Bool { pool == nil }

  deinit {
    pool?.takeBack(pointer, capacity: capacity)
  }
}
