import CLockstepZlib

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads files that may be compressed by gzip.
public enum GzipFile {
  /// The bytes of a whole file; of a compressed one, what was compressed.
  ///
  /// - Throws: `SampleDataError.unreadable` where there is no such file, or what is compressed is
  ///   truncated or damaged.
  public static func contents(_ path: String) throws(SampleDataError) -> [UInt8] {
    guard let file = gzopen(path, "rb") else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      errno = 0
      let count = gzread(file, &chunk, UInt32(chunk.count))
      if count > 0 { bytes += chunk[..<Int(count)] }
      if count == Int32(chunk.count) { continue }
      var code: Int32 = 0
      let message = gzerror(file, &code).map { String(cString: $0) } ?? ""
      let reason = code == Z_ERRNO ? String(cString: strerror(errno)) : message
      // zlib tells of a file that ends too early only when it is closed.
      let closing = gzclose_r(file)
      if count < 0 || code != Z_OK {
        throw .unreadable(path: path, reason: reason.withoutPrefix("\(path): "))
      }
      if closing != Z_OK {
        throw .unreadable(path: path, reason: "the compressed data end too early")
      }
      return bytes
    }
  }
}

extension String {
  fileprivate func withoutPrefix(_ prefix: String) -> String {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
  }
}
