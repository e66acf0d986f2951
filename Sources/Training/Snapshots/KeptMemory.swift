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
  /// By which its keeper knows it.
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
enum KeeperRequest: UInt64 {
  case list = 1
  /// With the length in bytes.
  case make = 2
  /// With the number.
  case drop = 3

  static let wordCount = 2

  /// The socket's name on each of a job's hosts.
  static func socketName(mark: String) -> String { "lockstep/" + mark }
}

/// Asks this host's keeper for memory.
package final class KeeperClient: KeptMemory {
  private let name: String

  /// - Parameter mark: The job's.
  package init(mark: String) { name = KeeperRequest.socketName(mark: mark) }

  package func list() throws(KeptMemoryError) -> [KeptSegment] {
    let connection = try Connection(to: name)
    try connection.ask(.list, 0)
    var segments: [KeptSegment] = []
    while let segment = try connection.segment() { segments.append(segment) }
    return segments
  }

  package func make(byteCount: Int) throws(KeptMemoryError) -> KeptSegment {
    let connection = try Connection(to: name)
    try connection.ask(.make, UInt64(byteCount))
    guard let segment = try connection.segment() else { throw KeptMemoryError(code: ENOMEM) }
    return segment
  }

  package func drop(_ numbers: [UInt64]) throws(KeptMemoryError) {
    for number in numbers {
      let connection = try Connection(to: name)
      try connection.ask(.drop, number)
      _ = try connection.segment()
    }
  }
}

/// One question to a keeper.
private final class Connection {
  private var descriptor: Int32 = -1

  init(to name: String) throws(KeptMemoryError) {
    try KeptMemoryError.check(CHost_connectByName(name, &descriptor))
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
