import CLockstepHost

#if canImport(Glibc)
  import Glibc
#endif

/// How the watches of a job's processes hear of each other between hosts: datagrams, which need no
/// connection and no answer, beside the messages of the job and independent of them. A firewall may
/// keep them out; then less is known, and nothing else changes.
final class WatchNetwork {
  /// What a process tells all others of itself, once, when the job begins.
  struct Address {
    var host = ""
    var processID: Int32 = 0
    var port: UInt16 = 0
    var addresses: [UInt32] = []
    /// Names the machine and its network: a process with the same one is reached by loopback.
    var identity: UInt64 = 0

    private static let nameWords = 8
    private static let addressCount = 4
    static let wordCount = nameWords + 1 + addressCount / 2 + 1

    init() {}

    /// The address of this process.
    init(port: UInt16) {
      var name = [CChar](repeating: 0, count: 256)
      gethostname(&name, name.count - 1)
      host = String(
        decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      processID = getpid()
      self.port = port
      var found = [UInt32](repeating: 0, count: Self.addressCount)
      let count = Int(CHost_addresses(&found, Int32(found.count)))
      addresses = Array(found.prefix(count))
      identity = CHost_networkIdentity()
    }

    var words: [UInt64] {
      var bytes = Array(host.utf8.prefix(Self.nameWords * 8))
      bytes += [UInt8](repeating: 0, count: Self.nameWords * 8 - bytes.count)
      var words = stride(from: 0, to: bytes.count, by: 8).map { start in
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
      }
      words.append(UInt64(UInt32(bitPattern: processID)) | UInt64(port) << 32)
      let padded = addresses + [UInt32](repeating: 0, count: Self.addressCount - addresses.count)
      for index in stride(from: 0, to: padded.count, by: 2) {
        words.append(UInt64(padded[index]) | UInt64(padded[index + 1]) << 32)
      }
      words.append(identity)
      return words
    }

    init(words: ArraySlice<UInt64>) {
      let words = Array(words)
      let bytes = words[..<Self.nameWords].flatMap { word in
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
      }
      host = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      processID = Int32(truncatingIfNeeded: words[Self.nameWords])
      port = UInt16(truncatingIfNeeded: words[Self.nameWords] >> 32)
      let packed = words[(Self.nameWords + 1)..<(Self.nameWords + 1 + Self.addressCount / 2)]
      addresses = packed.flatMap {
        [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)]
      }
      .filter { $0 != 0 }
      identity = words[Self.wordCount - 1]
    }
  }

  /// Where the job goes.
  enum Course: UInt32, Comparable {
    case goesOn, ends, endsAndIsTold

    static func < (one: Course, other: Course) -> Bool { one.rawValue < other.rawValue }
  }

  /// Before the rows of a datagram.
  private struct Header {
    /// The job's, so that a stray datagram is not taken for one of its own.
    var key: UInt64
    var firstRank: UInt32
    var count: UInt32
    /// A `Course`.
    var course: UInt32
    var padding: UInt32 = 0
  }

  /// Rows of a datagram: what any network carries in one piece.
  private static let rowsPerDatagram = 20
  private static let capacity =
    MemoryLayout<Header>.size + rowsPerDatagram * MemoryLayout<CHost_WatchRow>.size
  private static let loopback = UInt32(0x7F00_0001).bigEndian

  private let socket: Int32
  let own: Address
  private var key: UInt64 = 0
  private var targets: [(address: UInt32, port: UInt16)] = []
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)

  init() {
    var port: UInt16 = 0
    socket = CHost_datagramSocket(&port)
    own = Address(port: socket < 0 ? 0 : port)
  }

  deinit {
    if socket >= 0 { close(socket) }
    buffer.deallocate()
  }

  /// - Parameters:
  ///   - key: The same on all ranks.
  ///   - peers: The processes of other hosts.
  func connect(key: UInt64, peers: [Address]) {
    self.key = key
    for peer in peers where peer.port != 0 {
      if peer.identity == own.identity {
        targets.append((Self.loopback, peer.port))
      } else {
        targets += peer.addresses.map { ($0, peer.port) }
      }
    }
  }

  /// Tells all processes of other hosts the rows of consecutive ranks of this one.
  func send(_ rows: UnsafeBufferPointer<CHost_WatchRow>, firstRank: Int, course: Course) {
    guard socket >= 0, let base = buffer.baseAddress else { return }
    for start in stride(from: 0, to: rows.count, by: Self.rowsPerDatagram) {
      let count = min(Self.rowsPerDatagram, rows.count - start)
      base.storeBytes(
        of: Header(
          key: key, firstRank: UInt32(firstRank + start), count: UInt32(count),
          course: course.rawValue), as: Header.self)
      let part = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: rows[start..<start + count]))
      if let bytes = part.baseAddress {
        (base + MemoryLayout<Header>.size).copyMemory(from: bytes, byteCount: part.count)
      }
      for target in targets {
        CHost_sendDatagram(
          socket, target.address, target.port, base,
          Int64(MemoryLayout<Header>.size + part.count))
      }
    }
  }

  /// Takes what has come, at most a few hundred datagrams.
  ///
  /// - Parameter body: Is told the rank of a row, and the row.
  /// - Returns: Where the job goes, by what has come.
  func receive(_ body: (_ rank: Int, _ row: CHost_WatchRow) -> Void) -> Course {
    guard socket >= 0, let base = buffer.baseAddress else { return .goesOn }
    var course = Course.goesOn
    for _ in 0..<512 {
      let length = Int(CHost_receiveDatagram(socket, base, Int64(buffer.count)))
      if length < 0 { break }
      guard length >= MemoryLayout<Header>.size else { continue }
      let header = base.load(as: Header.self)
      let rowBytes = length - MemoryLayout<Header>.size
      guard header.key == key,
        rowBytes == Int(header.count) * MemoryLayout<CHost_WatchRow>.size
      else { continue }
      course = max(course, Course(rawValue: header.course) ?? .goesOn)
      for index in 0..<Int(header.count) {
        let offset = MemoryLayout<Header>.size + index * MemoryLayout<CHost_WatchRow>.size
        body(
          Int(header.firstRank) + index, base.load(fromByteOffset: offset, as: CHost_WatchRow.self))
      }
    }
    return course
  }
}
