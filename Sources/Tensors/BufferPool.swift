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

  /// Bytes obtained from the system since the pool was made.
  public private(set) var allocatedBytes = 0
  /// How often the pool had to ask the system for memory.
  public private(set) var allocationCount = 0
  /// How many buffers are handed out and not yet back.
  public private(set) var lentCount = 0

  public init() {}

  /// A buffer of at least `count` floats with any contents.
  func buffer(count: Int) -> Buffer {
    let capacity = max((count + 15) / 16 * 16, 16)
    let pointer = free[capacity]?.popLast() ?? allocate(capacity: capacity)
    lentCount += 1
    return Buffer(pointer: pointer, count: count, capacity: capacity, pool: self)
  }

  fileprivate func takeBack(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
    free[capacity, default: []].append(pointer)
    lentCount -= 1
  }

  /// Large buffers start on a huge page and ask for huge pages: fewer faults, fewer misses.
  private static let hugePageBytes = 2 << 20

  private func allocate(capacity: Int) -> UnsafeMutablePointer<Float> {
    let bytes = capacity * MemoryLayout<Float>.stride
    let isLarge = bytes >= 2 * Self.hugePageBytes
    var raw: UnsafeMutableRawPointer?
    let code = posix_memalign(&raw, isLarge ? Self.hugePageBytes : 64, bytes)
    guard code == 0, let raw else {
      preconditionFailure("out of memory: \(bytes) bytes for a tensor could not be had")
    }
    if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    allocatedBytes += bytes
    allocationCount += 1
    return raw.bindMemory(to: Float.self, capacity: capacity)
  }

  /// Gives unused buffers back to the system.
  public func trim() {
    for (capacity, pointers) in free {
      for pointer in pointers { Glibc.free(pointer) }
      allocatedBytes -= capacity * pointers.count * MemoryLayout<Float>.stride
    }
    free = [:]
  }

  deinit {
    for pointers in free.values {
      for pointer in pointers { Glibc.free(pointer) }
    }
  }
}

/// A span of floats that returns to its pool when nobody holds it, or a view of memory that others
/// own (parameters, gradients).
final class Buffer {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  private let capacity: Int
  private let pool: BufferPool?

  fileprivate init(
    pointer: UnsafeMutablePointer<Float>, count: Int, capacity: Int, pool: BufferPool
  ) {
    self.pointer = pointer
    self.count = count
    self.capacity = capacity
    self.pool = pool
  }

  /// A view: the memory must outlive it.
  init(viewing pointer: UnsafeMutablePointer<Float>, count: Int) {
    self.pointer = pointer
    self.count = count
    capacity = count
    pool = nil
  }

  /// Whether the memory belongs to somebody else.
  var isView: Bool { pool == nil }

  deinit {
    pool?.takeBack(pointer, capacity: capacity)
  }
}
