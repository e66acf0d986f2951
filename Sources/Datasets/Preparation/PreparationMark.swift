import LockstepFiles

/// Keeps an output directory to one preparation at a time, and makes its data set complete or not there.
///
/// It is a file, `.preparing`: locked while a preparation is at work, empty while what was there before
/// is whole, and filled from when it is replaced until `dataset.json` is there. Who finds one that
/// nobody has locked knows that its preparation was killed, and what to remove. It must outlive the files
/// that are being written.
final class PreparationMark {
  private static let name = ".preparing"

  private let directory: String
  private let lock: FileLock
  /// The directories that were not there before.
  private let made: [String]
  private var isReplacing = false

  /// Makes the directory if it is not there, and removes what a killed preparation left in it.
  ///
  /// - Throws: `PreparationError.outputInUse` where another preparation is at work, `.outputNotWritable`.
  init(directory: String) throws(PreparationError) {
    self.directory = directory
    let (made, lock): ([String], FileLock?)
    do throws(FileError) {
      made = try FileSystem.makeDirectory(directory)
      lock = try .exclusive(directory + "/" + Self.name, creates: true)
      if let lock {
        if lock.size > 0 { try Self.removeIncomplete(in: directory) }
        try AtomicFile.removeLeftovers(of: DatasetFiles.names, in: directory)
      }
    } catch {
      throw .outputNotWritable(path: directory, reason: error.reason)
    }
    guard let lock else { throw .outputInUse(path: directory) }
    (self.lock, self.made) = (lock, made)
  }

  /// From here on the directory is not complete until the new manifest is there.
  func beginReplacing() throws(FileError) {
    isReplacing = true
    try lock.write(Array("dataset.json is not there yet\n".utf8))
    try FileSystem.synchronize(directory: directory)
    try FileSystem.removeFile(directory + "/" + DatasetFiles.manifestName)
  }

  /// The new manifest is there.
  func finishReplacing() { isReplacing = false }

  deinit {
    do {
      if isReplacing { try Self.removeIncomplete(in: directory) }
      try lock.remove()
      // Of a preparation that came to nothing, nothing stays.
      FileSystem.removeEmpty(made)
    } catch {
      // Then the next preparation does it.
    }
  }

  /// Removes the files of a data set, unless its manifest is there: that is removed first, and written
  /// last.
  private static func removeIncomplete(in directory: String) throws(FileError) {
    guard try !FileSystem.exists(directory + "/" + DatasetFiles.manifestName) else { return }
    for name in DatasetFiles.names { try FileSystem.removeFile(directory + "/" + name) }
  }
}
