import CLockstepHost
import LockstepCommunication

#if canImport(Glibc)
  import Glibc
#endif

/// Memory of this host that outlives the ranks that fill it.
package protocol KeptMemory: AnyObject {
  /// All that is kept, mapped.
  func list() throws(KeptMemoryError) -> [KeptSegment]
  /// Makes a segment of zeros, whose pages are reserved.
  func make(byteCount: Int) throws(KeptMemoryError) -> KeptSegment
  /// Lets segments go: their memory is free once nobody maps it.
  func drop(_ numbers: [UInt64]) throws(KeptMemoryError)
}

/// A piece of memory that is kept.
package struct KeptSegment: Sendable {
  /// The number by which its keeper knows it.
  package let number: UInt64
  package let memory: MemorySegment
}

/// Why memory is not kept.
package struct KeptMemoryError: Error, Equatable, CustomStringConvertible {
  /// `errno`.
  package let code: Int32

  package init(code: Int32) { self.code = code }

  package var description: String { String(cString: strerror(code)) }

  static func check(_ code: Int32) throws(KeptMemoryError) {
    if code != 0 { throw KeptMemoryError(code: code) }
  }
}

/// What is asked of a keeper: a word that says what, and one more. Each answer is a segment's number and
/// its length in bytes, with the segment itself; or 0 and an error.
package enum KeeperRequest: UInt64 {
  case list = 1
  /// Asks for new memory; the request has its length in bytes.
  case make = 2
  /// Gives memory back; the request has its number.
  case drop = 3

  static let wordCount = 2

  /// The socket's name on each of a job's hosts.
  package static func socketName(mark: String) -> String { "lockstep/" + mark }
}

/// Asks this host's keeper for memory.
package final class KeeperClient: KeptMemory {
  private let name: String

  /// - Parameter mark: The job's.
  package init(mark: String) { name = KeeperRequest.socketName(mark: mark) }

  package func list() throws(KeptMemoryError) -> [KeptSegment] {
    let connection = try KeeperConnection(to: name)
    try connection.ask(.list, 0)
    var segments: [KeptSegment] = []
    while let segment = try connection.segment() { segments.append(segment) }
    return segments
  }

  package func make(byteCount: Int) throws(KeptMemoryError) -> KeptSegment {
    let connection = try KeeperConnection(to: name, making: byteCount)
    try connection.ask(.make, UInt64(byteCount))
    guard let segment = try connection.segment() else { throw KeptMemoryError(code: ENOMEM) }
    return segment
  }

  package func drop(_ numbers: [UInt64]) throws(KeptMemoryError) {
    for number in numbers {
      let connection = try KeeperConnection(to: name)
      try connection.ask(.drop, number)
      _ = try connection.segment()
    }
  }
}

/// One question to a keeper.
package final class KeeperConnection {
  private var descriptor: Int32 = -1

  /// How fast a keeper is taken to make memory, in bytes a second: a tenth of what slow memory is zeroed with, since
  /// the ranks of a host are served one after the other.
  private static let makingSpeed = 1 << 27

  /// - Parameters:
  ///   - name: Of the keeper's socket.
  ///   - byteCount: Of the memory that the keeper will be asked to make, before it answers. Default: none.
  package init(to name: String, making byteCount: Int = 0) throws(KeptMemoryError) {
    try KeptMemoryError.check(CHost_connectByName(name, &descriptor))
    guard byteCount > 0 else { return }
    // Where it can not be set, the wait ends earlier.
    var limit = timeval(tv_sec: patience + byteCount / Self.makingSpeed, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// How long an answer is waited for, in seconds.
  package var patience: Int {
    var limit = timeval()
    var length = socklen_t(MemoryLayout<timeval>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, &length)
    return limit.tv_sec
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func ask(_ request: KeeperRequest, _ value: UInt64) throws(KeptMemoryError) {
    try KeptMemoryError.check(
      CHost_sendWords(
        descriptor, [request.rawValue, value], Int64(KeeperRequest.wordCount), -1))
  }

  /// The next segment of the answer; nil at its end.
  func segment() throws(KeptMemoryError) -> KeptSegment? {
    var words = [UInt64](repeating: 0, count: KeeperRequest.wordCount)
    var file: Int32 = -1
    try KeptMemoryError.check(
      CHost_receiveWords(descriptor, &words, Int64(KeeperRequest.wordCount), &file))
    guard file >= 0 else {
      try KeptMemoryError.check(words[0] == 0 ? Int32(truncatingIfNeeded: words[1]) : 0)
      return nil
    }
    defer { close(file) }
    return KeptSegment(number: words[0], memory: try .kept(file, byteCount: Int(words[1])))
  }
}

extension MemorySegment {
  /// Maps a file that is memory.
  static func kept(_ file: Int32, byteCount: Int) throws(KeptMemoryError) -> MemorySegment {
    var base: UnsafeMutableRawPointer?
    try KeptMemoryError.check(CHost_mapSegment(file, Int64(byteCount), 0, &base))
    return MemorySegment(mapped: base, byteCount: byteCount)
  }
}
