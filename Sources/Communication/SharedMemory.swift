import CLockstepHost

/// A piece of mapped memory, unmapped with its last reference.
package final class MemorySegment: @unchecked Sendable {
  package let bytes: UnsafeMutableRawBufferPointer

  /// Takes over a mapping.
  package init(mapped base: UnsafeMutableRawPointer?, byteCount: Int) {
    bytes = UnsafeMutableRawBufferPointer(start: base, count: base == nil ? 0 : byteCount)
  }

  /// Maps private memory: zero, on page borders.
  ///
  /// - Throws: `CommunicationError.sharedMemory` when there is not enough.
  package convenience init(privateByteCount byteCount: Int, rank: Int) throws {
    var base: UnsafeMutableRawPointer?
    let code = byteCount == 0 ? 0 : CHost_mapPrivate(Int64(byteCount), &base)
    guard code == 0 else {
      throw CommunicationError.sharedMemory(
        operation: "map", byteCount: byteCount, code: Int(code), rank: rank, freeBytes: nil)
    }
    self.init(mapped: base, byteCount: byteCount)
  }

  deinit {
    if let base = bytes.baseAddress { CHost_unmap(base, Int64(bytes.count)) }
  }
}

/// One allocation to which every rank of a host contributed a segment, all visible to all of them.
///
/// Unlike a barrier, memory gives no order: what one rank writes, another may read only after a
/// collective that both took part in.
// Sendable: nothing of it changes, and order between accesses is the collectives' business.
public final class SharedMemory: @unchecked Sendable {
  /// The bytes of each local rank, in rank order; empty where it contributed none.
  public let segments: [UnsafeMutableRawBufferPointer]
  let owners: [MemorySegment]

  package init(_ owners: [MemorySegment]) {
    self.owners = owners
    segments = owners.map(\.bytes)
  }
}
