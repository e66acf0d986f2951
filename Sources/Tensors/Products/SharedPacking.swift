import CLockstepKernels

#if canImport(Glibc)
  import Glibc
#endif

/// A product whose rows are shared out among threads, for formats in which packing is much of the work:
/// each thread would pack all of the right factor, so they pack it together, one part after the other.
struct SharedPacking {
  /// Rows of the product for each task.
  private let rowParts: Int
  /// Rows and columns of the right factor that are packed at a time.
  private let depth: Int
  private let width: Int

  /// Elements of a part of the right factor: it is read again for each block of rows, and stays in the
  /// last-level cache.
  private static let mostElements = 4 << 20
  /// The least inner indices that are packed together where there are as many: sums are loaded and stored
  /// once for each of these.
  private static let leastDepth = 768
  /// Cuts are at multiples of this: a block of the inner dimension, a panel of columns.
  private static let unit = 32

  /// - Returns: Nil where threads had better share out the columns, or there is nothing to share out.
  init?(rows: Int, columns: Int, inner: Int, threadCount: Int) {
    let parts = min(
      threadCount, rows / Self.unit, rows * columns * inner / (4 * Grain.product))
    guard parts > 1 else { return nil }
    rowParts = parts
    let room = Self.mostElements / Self.roundedUp(columns)
    depth = min(Self.roundedUp(inner), max(room / Self.unit * Self.unit, Self.leastDepth))
    width = min(Self.roundedUp(columns), max(Self.mostElements / depth / Self.unit, 1) * Self.unit)
  }

  private static func roundedUp(_ count: Int) -> Int { (count + unit - 1) / unit * unit }

  /// The parts of the right factor: inner indices, and columns.
  private func blocks(columns: Int, inner: Int) -> [(Range<Int>, Range<Int>)] {
    stride(from: 0, to: inner, by: depth).flatMap { k in
      stride(from: 0, to: columns, by: width).map { j in
        (k..<min(k + depth, inner), j..<min(j + width, columns))
      }
    }
  }

  /// See `Products.multiply`.
  func multiply(
    _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
    epilogue: ProductEpilogue?, for products: Products
  ) {
    let format = products.format
    for (indices, block) in blocks(columns: columns, inner: inner) {
      let memory = products.packing.memory(
        count: PackedFactor.count(format, inner: indices.count, columns: block.count))
      let right = b.from(row: indices.lowerBound, column: block.lowerBound)
      let panels = (block.count + Self.unit - 1) / Self.unit
      let packers = min(products.threads.threadCount, panels)
      products.threads.run(tasks: packers) { task in
        let first = panels * task / packers * Self.unit
        let end = min(panels * (task + 1) / packers * Self.unit, block.count)
        CKernels_packFactor(
          right.from(column: first).factor(format), Int64(indices.count), Int64(end - first),
          memory + PackedFactor.count(format, inner: indices.count, columns: first))
      }
      let isLast = indices.upperBound == inner
      products.threads.run(tasks: rowParts) { task in
        let row = rows * task / rowParts
        let height = rows * (task + 1) / rowParts - row
        let left = a.from(row: row, column: indices.lowerBound).factor(format)
        let target = c.from(row: row, column: block.lowerBound)
        func run(_ epilogue: UnsafePointer<CKernels_Epilogue>?) {
          CKernels_matrixProductPacked(
            left, memory, Int64(indices.count), Int64(block.count), target.pointer,
            Int64(c.stride), Int64(height), Int64(block.count), Int64(indices.count),
            adds || indices.lowerBound > 0 ? 1 : 0, epilogue)
        }
        guard isLast, let epilogue else { return run(nil) }
        withUnsafePointer(
          to: epilogue.kernelEpilogue(
            row: row, column: block.lowerBound, stride: c.stride), run)
      }
    }
  }
}

/// Memory into which the threads of one rank pack, kept from one product to the next.
final class PackingMemory {
  private var pointer: UnsafeMutablePointer<Float>?
  private var count = 0

  deinit { free(pointer) }

  /// At least so many floats, with any contents.
  func memory(count wanted: Int) -> UnsafeMutablePointer<Float> {
    if let pointer, wanted <= count { return pointer }
    free(pointer)
    let bytes = wanted * MemoryLayout<Float>.stride
    var raw: UnsafeMutableRawPointer?
    guard posix_memalign(&raw, 4096, bytes) == 0, let raw else {
      AvailableMemory.end(needing: bytes, available: nil)
    }
    let memory = raw.bindMemory(to: Float.self, capacity: wanted)
    (pointer, count) = (memory, wanted)
    return memory
  }
}
