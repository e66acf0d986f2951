import LockstepFiles
import LockstepParallelism

extension Redactor {
  /// A whole file, redacted; it lies in an unnamed temporary file, or in memory where that of the file does.
  ///
  /// - Parameters:
  ///   - name: What errors call it.
  ///   - threads: Share the work. Default: the caller's alone.
  /// - Throws: `RedactionError` where the file is not what its format has, or there is no room.
  package func redacted(
    _ file: MappedFile, format: RedactionFormat, name: String, threads: ThreadPool = ThreadPool()
  ) throws(RedactionError) -> (file: MappedFile, counts: RedactionCounts) {
    let stream = RedactionStream(self, format: format, name: name, threads: threads)
    var failure: RedactionError?
    var place = 0
    let redacted: MappedFile
    do throws(FileError) {
      redacted = try MappedFile(spoolingAs: name, inMemory: file.isInMemory ? file.count : nil) {
        (write) throws(FileError) in
        do throws(RedactionError) {
          try stream.run(
            read: { (buffer) throws(FileError) in
              let count = min(buffer.count, file.count - place)
              file.withBytes { bytes in
                buffer.copyMemory(
                  from: UnsafeRawBufferPointer(rebasing: bytes[place..<place + count]))
              }
              place += count
              return count
            }, write: write)
        } catch {
          failure = error
        }
      }
    } catch {
      throw .file(error)
    }
    if let failure { throw failure }
    return (redacted, stream.counts)
  }
}
