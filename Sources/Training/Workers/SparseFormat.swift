import CLockstepKernels

/// How the largest elements of a worker's change travel: as a record of each block of 4,096 elements.
/// `CKernels_sparse.h` says what is in a record.
package struct SparseFormat: Equatable, Sendable {
  package static let blockSize = Int(CKERNELS_SPARSE_BLOCK)

  /// P.
  package let elementCount: Int
  /// Elements that are kept of a whole block.
  private let keptCount: Int
  private let recordByteCount: Int

  /// - Parameter density: The share of a block that is kept, above 0 and at most 1.
  package init(elementCount: Int, density: Double) {
    self.elementCount = elementCount
    keptCount = max(1, Int((density * Double(Self.blockSize)).rounded(.up)))
    recordByteCount = Int(CKernels_sparseRecordBytes(Int64(keptCount)))
  }

  package var blockCount: Int { (elementCount + Self.blockSize - 1) / Self.blockSize }

  /// Bytes of a change.
  package var byteCount: Int { blockCount * recordByteCount }

  package func elements(ofBlock block: Int) -> Range<Int> {
    block * Self.blockSize..<min(elementCount, (block + 1) * Self.blockSize)
  }

  /// Takes a block's largest elements out of what is to be sent.
  ///
  /// - Parameters:
  ///   - residual: What earlier changes have left; afterwards what this one leaves too. [P].
  ///   - decay: The share of `residual` that is added to the change.
  ///   - start: Minus `end` it is the change. [P].
  ///   - end: [P].
  ///   - message: Room for all records.
  package func takeLargest(
    of block: Int, residual: UnsafeMutablePointer<Float>, decay: Float,
    start: UnsafePointer<Float>, end: UnsafePointer<Float>, into message: UnsafeMutableRawPointer
  ) {
    let elements = elements(ofBlock: block)
    let first = elements.lowerBound
    CKernels_takeLargest(
      residual + first, decay, start + first, end + first, Int64(elements.count), Int64(keptCount),
      record(of: block, in: message))
  }

  /// Adds a block of a message to a sum of such blocks, [4096].
  package func add(
    _ block: Int, of message: UnsafeMutableRawPointer, to sum: UnsafeMutablePointer<Float>
  ) {
    CKernels_addSparse(
      record(of: block, in: message), Int64(keptCount), sum, Int64(elements(ofBlock: block).count))
  }

  private func record(
    of block: Int, in message: UnsafeMutableRawPointer
  ) -> UnsafeMutablePointer<UInt8> {
    (message + block * recordByteCount).assumingMemoryBound(to: UInt8.self)
  }
}
