import LockstepFiles
import LockstepParallelism

/// Redacts what comes in pieces of any length. The result depends neither on them nor on the threads.
package final class RedactionStream {
  private let blocks: any BlockRedactor
  private let format: RedactionFormat
  private let name: String
  private let threads: ThreadPool
  private let blockByteCount: Int
  /// What is known of the values of the next block.
  private var hints: [TextScanner.Hint] = []
  private var lines = 0
  private var hasBegun = false

  /// What was found so far.
  package private(set) var counts = RedactionCounts()
  /// Bytes that were read and written.
  package private(set) var bytesRead = 0
  package private(set) var bytesWritten = 0

  /// - Parameters:
  ///   - name: What errors call the input.
  ///   - threads: Share the work. Default: the caller's alone.
  ///   - blockByteCount: Bytes that are redacted at a time, about. Default: 4 MiB.
  package init(
    _ redactor: Redactor, format: RedactionFormat, name: String,
    threads: ThreadPool = ThreadPool(), blockByteCount: Int = 4 << 20
  ) {
    blocks =
      switch format {
      case .text: PlainText(redactor: redactor)
      case .json: JSONText(redactor: redactor)
      case .csv: TableText(redactor: redactor, delimiter: UInt8(ascii: ","), hasQuotes: true)
      case .tsv: TableText(redactor: redactor, delimiter: UInt8(ascii: "\t"), hasQuotes: false)
      }
    self.format = format
    self.name = name
    self.threads = threads
    self.blockByteCount = blockByteCount
  }

  /// Redacts all that there is to read.
  ///
  /// - Parameters:
  ///   - read: Fills a buffer and returns the number of bytes; 0 at the end.
  ///   - write: Takes the result, piece by piece.
  /// - Throws: `RedactionError` where the input is not what its format has, and what both functions throw.
  package func run(
    read: (UnsafeMutableRawBufferPointer) throws(FileError) -> Int,
    write: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(RedactionError) {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var isEnd = false
    // Where no block ends in what is there, twice as much is read before it is looked at again.
    var wanted = 0
    while !isEnd {
      let enough = max(wanted, threads.threadCount * (blockByteCount + 1))
      while !isEnd && pending.count < enough {
        let count = try onDisk { () throws(FileError) in
          try buffer.lentForFilling { (bytes) throws(FileError) in try read(bytes) }
        }
        if count == 0 { isEnd = true } else { pending += buffer[..<count] }
        bytesRead += count
      }
      let used = try redact(pending, isEnd: isEnd, write: write)
      pending.removeSubrange(..<used)
      wanted = used == 0 ? 2 * pending.count : 0
    }
  }

  /// - Returns: How many bytes were redacted and written.
  private func redact(
    _ bytes: [UInt8], isEnd: Bool, write: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(RedactionError) -> Int {
    let markLength = hasBegun ? 0 : try begin(bytes)
    var ranges: [Range<Int>] = []
    var start = markLength
    bytes.withUnsafeBufferPointer { bytes in
      while start < bytes.count {
        let rest = UnsafeBufferPointer(rebasing: bytes[start...])
        let end = blocks.blockEnd(in: rest, least: blockByteCount)
        guard let length = end ?? (isEnd ? rest.count : nil) else { break }
        ranges.append(start..<start + length)
        start += length
      }
    }
    guard isEnd || !ranges.isEmpty else { return 0 }
    if markLength > 0 {
      try self.write(Array(bytes[..<markLength]), write)
    }
    if !hasBegun, let table = blocks as? TableText {
      hints = bytes.withUnsafeBufferPointer {
        table.hints(UnsafeBufferPointer(rebasing: $0[markLength...]))
      }
    }
    hasBegun = true
    for result in redacted(ranges, of: bytes) {
      if let problem = result.block.problem {
        throw .malformed(path: name, line: lines + problem.line + 1, reason: problem.reason)
      }
      lines += result.lines
      counts += result.block.counts
      try self.write(result.block.output, write)
    }
    return start
  }

  private func redacted(
    _ ranges: [Range<Int>], of bytes: [UInt8]
  ) -> [(block: RedactedBlock, lines: Int)] {
    var results = [(block: RedactedBlock, lines: Int)](
      repeating: (RedactedBlock(output: []), 0), count: ranges.count)
    bytes.withUnsafeBufferPointer { bytes in
      let hints = ranges.map { range in
        defer {
          self.hints = blocks.hints(
            behind: UnsafeBufferPointer(rebasing: bytes[range]), self.hints)
        }
        return self.hints
      }
      results.withUnsafeMutableBufferPointer { results in
        nonisolated(unsafe) let results = results
        nonisolated(unsafe) let bytes = bytes
        threads.run(tasks: ranges.count) { task in
          let block = UnsafeBufferPointer(rebasing: bytes[ranges[task]])
          results[task] = (
            blocks.redacted(block, hints: hints[task]), block.count { $0 == UInt8(ascii: "\n") }
          )
        }
      }
    }
    return results
  }

  private func write(
    _ bytes: [UInt8], _ write: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(RedactionError) {
    bytesWritten += bytes.count
    try onDisk { () throws(FileError) in
      try bytes.lent { (bytes) throws(FileError) in try write(bytes) }
    }
  }

  /// Looks at the first bytes.
  ///
  /// - Returns: How many of them are a byte order mark.
  private func begin(_ bytes: [UInt8]) throws(RedactionError) -> Int {
    if bytes.starts(with: [0x1F, 0x8B]) {
      throw .notText(
        path: name,
        reason: "is compressed by gzip; redact its content: gunzip -c FILE | lockstep redact -")
    }
    if bytes.starts(with: EncryptedFiles.magic) {
      throw .notText(
        path: name, reason: "is encrypted; redact what 'lockstep decrypt' makes of it")
    }
    let markLength: Int
    do throws(ByteOrderMark.NotUTF8) {
      markLength = try ByteOrderMark.length(in: bytes)
    } catch {
      throw .notText(path: name, reason: "\(error)")
    }
    if let place = bytes.prefix(1 << 16).firstIndex(of: 0) {
      throw .notText(
        path: name,
        reason: "has a zero byte at byte \(place) and so is no text; only text, JSON, CSV and TSV "
          + "can be redacted")
    }
    return markLength
  }

  private func onDisk<Result>(
    _ body: () throws(FileError) -> Result
  ) throws(RedactionError) -> Result {
    do throws(FileError) { return try body() } catch { throw .file(error) }
  }
}
