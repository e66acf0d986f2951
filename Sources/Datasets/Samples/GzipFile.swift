import CLockstepHost
import CLockstepZlib
import LockstepFiles

/// Reads files that may be compressed by gzip.
public enum GzipFile {
  /// The first bytes of such a file.
  package static let magic: [UInt8] = [0x1F, 0x8B]

  /// The bytes of a whole file; of a compressed one, what was compressed: one member after the other.
  /// A pipe is read to its end.
  ///
  /// - Throws: `SampleDataError.unreadable` where there is no such file, or what is compressed is
  ///   truncated, damaged or followed by anything but zeros; where it is more than the file's own header
  ///   says, or than there is memory for.
  public static func contents(_ path: String) throws(SampleDataError) -> [UInt8] {
    let file: MappedFile
    do throws(FileError) {
      file = try MappedFile(path: path)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    return try contents(of: file, path: path)
  }

  /// As ``contents(_:)``, of a file that is open.
  package static func contents(of file: MappedFile, path: String) throws(SampleDataError) -> [UInt8]
  {
    try file.withBytes { bytes throws(SampleDataError) in try contents(of: bytes, path: path) }
  }

  /// As ``contents(_:)``, of bytes that have been read.
  package static func contents(of bytes: [UInt8], path: String) throws(SampleDataError) -> [UInt8] {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(SampleDataError) in try contents(of: bytes, path: path) }
    }
    return try result.get()
  }

  private static func contents(
    of bytes: UnsafeRawBufferPointer, path: String
  ) throws(SampleDataError) -> [UInt8] {
    guard bytes.starts(with: magic) else { return Array(bytes) }
    do throws(InflationError) {
      return try inflated(bytes)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }

  private static func inflated(_ bytes: UnsafeRawBufferPointer) throws(InflationError) -> [UInt8] {
    var result: [UInt8] = []
    var position = 0
    repeat {
      position += try Inflation(UnsafeRawBufferPointer(rebasing: bytes[position...])).run(
        into: &result)
    } while bytes[position...].starts(with: magic)
    // Tapes and blocks of some devices are filled up with zeros.
    guard bytes[position...].allSatisfy({ $0 == 0 }) else {
      throw .otherBytes(count: bytes.count - position)
    }
    return result
  }
}

/// Why compressed data can not be read.
private enum InflationError: Error, CustomStringConvertible {
  case truncated
  case damaged(String)
  case otherBytes(count: Int)
  case noMemory
  /// It unpacks to more than its first bytes say.
  case tooLong(expected: Int)
  case doesNotFit(byteCount: Int, available: Int)

  var description: String {
    switch self {
    case .truncated: "the compressed data end too early; copy the file again"
    case .damaged(let reason): "the compressed data are damaged: \(reason)"
    case .otherBytes(let count):
      "\(count) byte\(count == 1 ? "" : "s") after the end of the gzip data \(count == 1 ? "is" : "are") not "
        + "gzip; copy the file again"
    case .noMemory: "there is no memory to decompress it"
    case .tooLong(let expected):
      "it unpacks to more than the \(expected) bytes that its IDX header says"
    case .doesNotFit(let byteCount, let available):
      "it unpacks to more than \(byteCount) bytes, and \(available) bytes of memory are available"
    }
  }
}

/// One member of a gzip file, being decompressed.
private final class Inflation {
  /// zlib counts what is given to it in 32 bits.
  private static let largestPiece = 1 << 30
  /// The largest window, and gzip's header and check in front of and behind the data.
  private static let gzipWindow: Int32 = 15 + 16

  private let bytes: UnsafeRawBufferPointer
  private var stream = z_stream()

  /// - Parameter bytes: Begin with the member; must outlive this object.
  init(_ bytes: UnsafeRawBufferPointer) throws(InflationError) {
    self.bytes = bytes
    let code = inflateInit2_(
      &stream, Self.gzipWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw .noMemory }
  }

  deinit { inflateEnd(&stream) }

  /// Appends what was compressed.
  ///
  /// - Returns: Of how many bytes the member is.
  func run(into result: inout [UInt8]) throws(InflationError) -> Int {
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    var position = 0
    while true {
      let piece = min(bytes.count - position, Self.largestPiece)
      let (code, read, written) = advance(from: position, count: piece, into: &chunk)
      position += read
      try Self.requireRoom(for: written, in: result)
      result += chunk[..<written]
      if let expected = IDXFile.byteCount(declaredIn: result), result.count > expected {
        throw .tooLong(expected: expected)
      }
      switch code {
      case Z_STREAM_END: return position
      case Z_MEM_ERROR: throw .noMemory
      case Z_OK where read > 0 || written > 0: continue
      case Z_OK, Z_BUF_ERROR: throw .truncated
      default: throw .damaged(stream.msg.map { String(cString: $0) } ?? "zlib's error \(code)")
      }
    }
  }

  /// Bytes from which on it is looked whether there is memory for more.
  private static let leastChecked = 256 << 20

  /// A few bytes may unpack to a thousand times as many: what would not fit is refused before the
  /// kernel ends the process. An array that grows is twice in memory for a moment.
  private static func requireRoom(
    for count: Int, in result: [UInt8]
  ) throws(InflationError) {
    let grows = result.count + count > result.capacity
    guard grows, result.count >= leastChecked else { return }
    var available = Int64(0)
    guard CHost_memoryAvailable("/proc", "/sys/fs/cgroup", &available) == 0 else { return }
    guard 2 * result.count <= Int(available) else {
      throw .doesNotFit(byteCount: result.count, available: Int(available))
    }
  }

  private func advance(
    from position: Int, count: Int, into chunk: inout [UInt8]
  ) -> (code: Int32, read: Int, written: Int) {
    let input = bytes.bindMemory(to: UInt8.self)
    stream.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + position) }
    stream.avail_in = UInt32(count)
    return chunk.withUnsafeMutableBufferPointer { chunk in
      stream.next_out = chunk.baseAddress
      stream.avail_out = UInt32(chunk.count)
      let code = inflate(&stream, Z_NO_FLUSH)
      return (code, count - Int(stream.avail_in), chunk.count - Int(stream.avail_out))
    }
  }
}
