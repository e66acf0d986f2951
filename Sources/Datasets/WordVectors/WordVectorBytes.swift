import LockstepFiles

/// The bytes of a file of vectors: mapped, or what was compressed by gzip.
struct WordVectorBytes {
  private let file: MappedFile
  private let inflated: [UInt8]?

  /// - Throws: `WordVectorError.unreadable`.
  init(path: String) throws(WordVectorError) {
    do throws(FileError) {
      file = try MappedFile(path: path)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    guard file.bytes.starts(with: [0x1F, 0x8B]) else {
      inflated = nil
      return
    }
    do throws(SampleDataError) {
      inflated = try GzipFile.contents(of: file, path: path)
    } catch {
      guard case .unreadable(_, let reason) = error else { preconditionFailure("\(error)") }
      throw .unreadable(path: path, reason: reason)
    }
  }

  func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(WordVectorError) -> Result
  ) throws(WordVectorError) -> Result {
    guard let inflated else { return try file.withBytes(body) }
    let result = inflated.withUnsafeBytes { bytes in
      Swift.Result { () throws(WordVectorError) in try body(bytes) }
    }
    return try result.get()
  }
}
