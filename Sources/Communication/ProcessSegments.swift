import CLockstepHost

#if canImport(Glibc)
  import Glibc
#endif

/// Memory that the processes of a host share: makes this process's segments, opens its peers'.
///
/// A segment is anonymous and opened through /proc, or, where that is forbidden, a file in /dev/shm
/// which is removed once all have opened it. (`CHost.h` says why.)
package final class ProcessSegments {
  /// Makes files in /dev/shm from now on.
  package var areFiles: Bool

  /// This process's rank, for messages only.
  private let rank: Int
  private var serial: UInt64 = 0
  /// Own segments that peers may still have to open: name and descriptor.
  private var opening: [(name: CHost_SegmentName, descriptor: Int32)] = []

  /// - Parameter rank: Of this process: errors name it.
  package init(rank: Int, areFiles: Bool) {
    self.rank = rank
    self.areFiles = areFiles
  }

  deinit { forgetNames() }

  /// Makes a segment of zeros whose pages are reserved, and returns three words that name it to
  /// peers. A segment of 0 bytes has a name, too.
  ///
  /// - Throws: `CommunicationError.sharedMemory` when there is not enough memory.
  package func make(byteCount: Int) throws -> (segment: MemorySegment, name: [UInt64]) {
    serial += 1
    var name = CHost_SegmentName()
    var descriptor: Int32 = -1
    let code = CHost_makeSegment(
      Int64(byteCount), areFiles ? 1 : 0, serial, &name, &descriptor)
    guard code == 0 else {
      throw failure("make", byteCount, code, freeBytes: areFiles ? HostMemory.sharedFree : nil)
    }
    if byteCount > 0 { opening.append((name, descriptor)) }
    let segment = try map(descriptor, byteCount: byteCount, populate: true)
    return (segment, Self.words(of: name))
  }

  /// Opens a segment that a process of this host made, before that one forgets its name.
  ///
  /// - Throws: `CommunicationError.sharedMemory` where it can not be opened.
  package func open(named words: [UInt64]) throws -> MemorySegment {
    var name = Self.name(of: words)
    if name.byteCount == 0 { return MemorySegment(mapped: nil, byteCount: 0) }
    var descriptor: Int32 = -1
    let code = CHost_openSegment(&name, &descriptor)
    guard code == 0 else { throw failure("open", Int(name.byteCount), code) }
    defer { close(descriptor) }
    return try map(descriptor, byteCount: Int(name.byteCount), populate: false)
  }

  /// Lets go of the names of all own segments: peers have opened them. Mapped memory stays.
  package func forgetNames() {
    for (name, descriptor) in opening {
      var name = name
      CHost_unlinkSegment(&name)
      close(descriptor)
    }
    opening.removeAll()
  }

  private func map(_ descriptor: Int32, byteCount: Int, populate: Bool) throws -> MemorySegment {
    var base: UnsafeMutableRawPointer?
    let code =
      byteCount == 0
      ? 0 : CHost_mapSegment(descriptor, Int64(byteCount), populate ? 1 : 0, &base)
    guard code == 0 else { throw failure("map", byteCount, code) }
    return MemorySegment(mapped: base, byteCount: byteCount)
  }

  private func failure(
    _ operation: String, _ byteCount: Int, _ code: Int32, freeBytes: Int? = nil
  ) -> CommunicationError {
    .sharedMemory(
      operation: operation, byteCount: byteCount, code: Int(code), rank: rank, freeBytes: freeBytes)
  }

  private static func words(of name: CHost_SegmentName) -> [UInt64] {
    let process = UInt64(UInt32(bitPattern: name.processID))
    let descriptor = UInt64(UInt32(bitPattern: name.descriptor))
    return [UInt64(bitPattern: name.byteCount), process | descriptor << 32, name.serial]
  }

  private static func name(of words: [UInt64]) -> CHost_SegmentName {
    CHost_SegmentName(
      byteCount: Int64(bitPattern: words[0]),
      processID: Int32(truncatingIfNeeded: words[1]),
      descriptor: Int32(truncatingIfNeeded: words[1] >> 32), serial: words[2])
  }
}
