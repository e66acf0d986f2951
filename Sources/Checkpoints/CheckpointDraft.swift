import LockstepFiles
import LockstepParallelism
import LockstepWeights

/// A checkpoint in the making, whose optimiser state comes piece by piece: it need not be in memory
/// as a whole, only on its way to the file.
///
///     let draft = try writer.begin(snapshot, appending: layouts)
///     for piece in pieces { try draft.append(piece) }
///     try writer.complete(draft)
///
/// A draft that is let go of before it is complete leaves nothing behind.
public final class CheckpointDraft {
  private let directory: CheckpointDirectory
  private let snapshot: CheckpointSnapshot
  private let temporaryPath: String
  private let bytesNeeded: Int
  private let modelFile: CheckpointFile
  private let optimizerFile: CheckpointFile
  private var missingByteCount: Int
  private var files: [Manifest.File] = []
  private let parametersSHA256: String
  private let threads: ThreadPool
  private var isPublished = false

  let beginning = ContinuousClock.now
  var state: TrainingState { snapshot.state }

  /// Writes the parameters, and the optimiser state that the snapshot has.
  ///
  /// - Parameters:
  ///   - layouts: The optimiser state that will be appended, in this order.
  ///   - threads: Share the hashing and writing.
  init(
    _ snapshot: CheckpointSnapshot, appending layouts: [TensorLayout],
    to directory: CheckpointDirectory, threads: ThreadPool
  ) throws(CheckpointError) {
    let temporaryPath = directory.temporaryPath(ofStep: snapshot.state.step)
    let missingByteCount = layouts.reduce(0) { $0 + $1.byteCount }
    let bytesNeeded = snapshot.byteCount + missingByteCount
    do throws(FileError) {
      try FileSystem.makeDirectory(directory.path)
      try FileSystem.remove(temporaryPath)
      try FileSystem.makeDirectory(temporaryPath)
      modelFile = try Self.open(
        snapshot.parametersFile.rawValue, in: temporaryPath, snapshot.parameters.map(\.layout),
        encrypts: directory.encrypts, bytesNeeded: bytesNeeded, hashesWhole: true,
        threads: threads)
      // A hash of all parameters is a chain, for one of the threads.
      var hash = ""
      try modelFile.write(snapshot.parameters.map(\.bytes)) {
        hash = LockstepCheckpoints.parametersSHA256(of: snapshot.parameters)
      }
      parametersSHA256 = hash
      optimizerFile = try Self.open(
        Checkpoint.optimizerFileName, in: temporaryPath,
        snapshot.optimizerState.map(\.layout) + layouts, encrypts: directory.encrypts,
        bytesNeeded: bytesNeeded, threads: threads)
      try optimizerFile.write(snapshot.optimizerState.map(\.bytes))
    } catch {
      // The first error is the one to tell.
      try? FileSystem.remove(temporaryPath)
      throw .fileSystem(error)
    }
    self.directory = directory
    self.snapshot = snapshot
    self.temporaryPath = temporaryPath
    self.bytesNeeded = bytesNeeded
    self.missingByteCount = missingByteCount
    self.threads = threads
  }

  deinit {
    if !isPublished { try? FileSystem.remove(temporaryPath) }
  }

  /// Opens a file for tensors and writes its header.
  private static func open(
    _ name: String, in directory: String, _ layouts: [TensorLayout], encrypts: Bool,
    bytesNeeded: Int, hashesWhole: Bool = false, threads: ThreadPool
  ) throws(FileError) -> CheckpointFile {
    // `transformers` refuses files that do not name the framework they come from.
    let header = SafetensorsHeader.encode(layouts, metadata: ["format": "pt"])
    let file = try CheckpointFile(
      name: name, in: directory,
      contentByteCount: layouts.reduce(header.count) { $0 + $1.byteCount }, encrypts: encrypts,
      bytesNeeded: bytesNeeded, hashesWhole: hashesWhole, threads: threads)
    try file.write(header)
    return file
  }

  /// Appends elements of the optimiser state, of one tensor or a part of it.
  ///
  /// - Throws: `CheckpointError.fileSystem`, with `ENOSPC` when the disk is full.
  public func append(_ values: UnsafeBufferPointer<Float>) throws(CheckpointError) {
    let bytes = UnsafeRawBufferPointer(values)
    precondition(bytes.count <= missingByteCount, "more elements than the layouts have")
    try onDisk { () throws(FileError) in try optimizerFile.write(bytes) }
    missingByteCount -= bytes.count
  }

  /// Writes the rest and makes the checkpoint durable and visible.
  func complete() throws(CheckpointError) -> Checkpoint {
    precondition(missingByteCount == 0, "\(missingByteCount) bytes of the state are missing")
    let state = try JSON.encode(
      snapshot.state, path: temporaryPath + "/" + Checkpoint.stateFileName)
    try onDisk { () throws(FileError) in
      // The disk has been at work on both since their first bytes were written.
      for file in [modelFile, optimizerFile] { files.append(try file.finish()) }
      try write(Checkpoint.stateFileName, state, encrypts: directory.encrypts)
      for file in snapshot.files {
        try write(file.name, file.bytes, encrypts: directory.encrypts)
      }
    }
    let manifest = Manifest(
      step: snapshot.state.step, parametersSHA256: parametersSHA256, files: files)
    let listing = try JSON.encode(manifest, path: temporaryPath + "/" + Manifest.fileName)
    try onDisk { () throws(FileError) in
      // A reader that finds the manifest finds all that it lists.
      try FileSystem.synchronize(directory: temporaryPath)
      try write(Manifest.fileName, listing, encrypts: false)
      try FileSystem.synchronize(directory: temporaryPath)
    }
    try directory.publish(temporaryPath, step: snapshot.state.step)
    isPublished = true
    return try Checkpoint(path: directory.path(ofStep: snapshot.state.step))
  }

  private func write(_ name: String, _ bytes: [UInt8], encrypts: Bool) throws(FileError) {
    let file = try CheckpointFile(
      name: name, in: temporaryPath, contentByteCount: bytes.count, encrypts: encrypts,
      bytesNeeded: bytesNeeded, threads: threads)
    try file.write(bytes)
    files.append(try file.finish())
  }
}
