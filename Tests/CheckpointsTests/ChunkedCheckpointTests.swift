import Foundation
import LockstepCheckpoints
import LockstepParallelism
import LockstepWeights
import TestSupport
import Testing

/// Checkpoints of several chunks, whose tensors do not end where chunks do.
@Suite struct ChunkedCheckpointTests {
  let temporary: TemporaryDirectory
  let checkpoints: CheckpointDirectory

  init() throws {
    temporary = try TemporaryDirectory()
    checkpoints = CheckpointDirectory(path: temporary.path + "/checkpoints")
  }

  /// Parameters of three chunks, and moments of two.
  private static let snapshot: CheckpointSnapshot = {
    func element(_ index: Int) -> Float { Float(index &* 2_654_435_761 & 0xFF_FFFF) }
    var parameters = TensorSet()
    for (name, shape) in [
      ("embedding", [1201, 1000]), ("scale", [3]), ("empty", [0, 4]), ("inner", [811, 1013]),
      ("shift", [1]), ("last", [301, 977]),
    ] {
      parameters.add(name, shape, element)
    }
    var moments = TensorSet()
    moments.add("exp_avg/embedding", [1201, 1000]) { -element($0) }
    moments.add("exp_avg/scale", [3]) { -element($0) }
    return CheckpointSnapshot(
      parameters: parameters.views, optimizerState: moments.views,
      state: TrainingState(
        step: 1, tokens: 1, seed: 1, configurationSHA256: String(repeating: "c0", count: 32)),
      files: [.init(name: "vocabulary", bytes: [UInt8](repeating: 9, count: 3 << 19))])
  }()

  private func contents(_ checkpoint: Checkpoint) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: checkpoint.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { name in
        (name, try Data(contentsOf: URL(fileURLWithPath: checkpoint.path + "/" + name)))
      })
  }

  @Test func theSameBytesAreWrittenByAnyNumberOfThreads() throws {
    let alone = try checkpoints.write(Self.snapshot)
    #expect(alone.manifest.files.map { $0.chunks?.count } == [3, 2, nil, 1])
    // Of the file that people pass on, what `sha256sum` prints.
    #expect(alone.manifest.files.map { $0.sha256 != nil } == [true, false, true, false])
    let expected = try contents(alone)
    for (name, content) in expected where name != "manifest.json" {
      let file = Manifest.File(
        name: name, content: Array(content), hashesWhole: name == "model.safetensors")
      #expect(alone.manifest.files.contains(file), "\(name)")
    }
    for count in [2, 3, 7] {
      let written = try checkpoints.write(
        Self.snapshot, threads: ThreadPool(threadCount: count))
      #expect(try contents(written) == expected, "\(count) threads")
      #expect(written.manifest.parametersSHA256 == parametersSHA256(of: Self.snapshot.parameters))
    }
  }

  @Test(arguments: [1, 1000, 262_144, 300_007])
  func piecesOfAnyLengthMakeTheSameFile(elementCount: Int) throws {
    let expected = try contents(checkpoints.write(Self.snapshot))
    let writer = try CheckpointWriter(directory: checkpoints)
    var snapshot = Self.snapshot
    let moments = snapshot.optimizerState
    snapshot.optimizerState = []
    let draft = try writer.begin(
      snapshot, appending: moments.map { TensorLayout(name: $0.name, shape: $0.shape) },
      threads: ThreadPool(threadCount: 2))
    for tensor in moments {
      // One element at a time only where there are few.
      let step = tensor.values.count > 3 ? max(elementCount, 1000) : elementCount
      for start in stride(from: 0, to: tensor.values.count, by: step) {
        let end = min(start + step, tensor.values.count)
        try draft.append(UnsafeBufferPointer(rebasing: tensor.values[start..<end]))
      }
    }
    try writer.complete(draft)
    let found = try #require(try checkpoints.newestComplete().found)
    #expect(try contents(found) == expected)
  }

  private func edit(_ name: String, _ change: (inout Data) -> Void) throws {
    let url = URL(fileURLWithPath: checkpoints.path(ofStep: 1) + "/" + name)
    var data = try Data(contentsOf: url)
    change(&data)
    try data.write(to: url)
  }

  private func flip(_ bits: UInt8, in name: String, at place: Int) throws {
    let url = URL(fileURLWithPath: checkpoints.path(ofStep: 1) + "/" + name)
    let file = try FileHandle(forUpdating: url)
    defer { try? file.close() }
    try file.seek(toOffset: UInt64(place))
    let byte = try #require(try file.read(upToCount: 1)?.first)
    try file.seek(toOffset: UInt64(place))
    try file.write(contentsOf: [byte ^ bits])
  }

  @Test(arguments: [1, 3]) func aFlippedBitInAnyChunkIsNamedWithItsPlace(threads: Int) throws {
    let checkpoint = try checkpoints.write(Self.snapshot)
    let pool = ThreadPool(threadCount: threads)
    for file in checkpoint.manifest.files {
      for chunk in (file.chunks ?? []).indices {
        let range = chunk << 22..<min((chunk + 1) << 22, file.bytes)
        for place in [range.lowerBound, Int.random(in: range), range.upperBound - 1] {
          let bit = UInt8(1) << UInt8.random(in: 0...7)
          try flip(bit, in: file.name, at: place)
          let error = #expect(throws: CheckpointError.self) { try checkpoint.verify(threads: pool) }
          guard case .wrongChunk(let path, range, _, _) = error else {
            Issue.record("\(file.name), byte \(place): \(String(describing: error))")
            continue
          }
          #expect(path.hasSuffix("/" + file.name))
          #expect("\(error!)".contains("bytes \(range.lowerBound) to \(range.upperBound - 1)"))
          #expect(try checkpoints.newestComplete(threads: pool).skipped.map(\.reason) == [error])
          try flip(bit, in: file.name, at: place)
        }
      }
    }
    try checkpoint.verify(threads: pool)
  }

  @Test func theFirstOfSeveralDamagedChunksIsNamed() throws {
    let checkpoint = try checkpoints.write(Self.snapshot)
    try flip(1, in: "model.safetensors", at: 1 << 22)
    try flip(1, in: "model.safetensors", at: 2 << 22)
    try flip(1, in: "optimizer.safetensors", at: 0)
    for count in [1, 2, 3] {
      let error = #expect(throws: CheckpointError.self) {
        try checkpoint.verify(threads: ThreadPool(threadCount: count))
      }
      guard case .wrongChunk(_, 1 << 22..<2 << 22, _, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test(arguments: [1, 1 << 20, 5 << 20])
  func aFileThatIsCutShortWhileItIsReadIsNamed(by count: Int) throws {
    let checkpoint = try checkpoints.write(Self.snapshot)
    try edit("model.safetensors") { $0.removeLast(count) }
    let length = checkpoint.manifest.files[0].bytes
    #expect(throws: CheckpointError.self) { try Checkpoint(path: checkpoint.path) }
    // As if it were opened before.
    let error = #expect(throws: CheckpointError.self) {
      try checkpoint.verify(threads: ThreadPool(threadCount: 2))
    }
    guard case .wrongSize(_, length, length - count) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func aTreeThatIsNotTheFilesIsRefused() throws {
    let checkpoint = try checkpoints.write(Self.snapshot)
    func refusal(_ change: (inout SealedManifest) throws -> Void) throws -> CheckpointError? {
      let original = try SealedManifest(of: checkpoint.path)
      var manifest = original
      try change(&manifest)
      try manifest.write(to: checkpoint.path)
      defer { try? original.write(to: checkpoint.path) }
      return try checkpoints.newestComplete().skipped.first?.reason
    }
    let chunks = try #require(checkpoint.manifest.files[0].chunks)
    let swapped = try refusal { $0.files[0]["chunks"] = [chunks[1], chunks[0], chunks[2]] }
    guard case .wrongChunk(_, 0..<1 << 22, chunks[1], chunks[0]) = swapped else {
      Issue.record("\(String(describing: swapped))")
      return
    }
    for wrong in [Array(chunks.dropLast()), chunks + [chunks[0]], []] {
      let problem = try refusal { $0.files[0]["chunks"] = wrong }
      #expect(problem?.description.contains("hashes, its length needs 3") == true)
    }
    let plain = String(repeating: "0", count: 64)
    let isPlain = try refusal {
      $0.files[0]["chunks"] = nil
      $0.files[0]["sha256"] = plain
    }
    #expect(isPlain?.description.contains("has 0 hashes, its length needs 3") == true)
    for name in ["../x", "../\u{301}x"] {
      let outside = try refusal { $0.files[0]["name"] = name }
      #expect(outside?.description.contains("'\(name)' is not a plain file name") == true)
    }
    #expect(
      try refusal {
        $0.members["seal"] = nil
        $0.members["step"] = 1
      } == nil)
  }

  @Test func anUnsealedHashIsRefused() throws {
    let checkpoint = try checkpoints.write(Self.snapshot)
    let hash = try #require(checkpoint.manifest.files[0].chunks?[1])
    try edit("manifest.json") { data in
      let text = String(decoding: data, as: UTF8.self)
      data = Data(text.replacing(hash, with: String(hash.reversed())).utf8)
    }
    let reason = try checkpoints.newestComplete().skipped.first?.reason
    #expect(reason?.description.contains("its seal is not that of its members") == true)
  }

  @Test(arguments: [1, 2]) func aCheckpointOfTheFirstVersionIsVerified(threads: Int) throws {
    let path = try checkpoints.write(Self.snapshot).path
    try SealedManifest.makeFirstVersion(of: path)
    let pool = ThreadPool(threadCount: threads)
    let search = try checkpoints.newestComplete(threads: pool)
    let found = try #require(search.found, "\(search.skipped)")
    #expect(found.manifest.version == 1 && found.manifest.seal == nil)
    try found.requireParameters(Self.snapshot.parameters)
    #expect(throws: CheckpointError.self) {
      try found.requireParameters(Array(Self.snapshot.parameters.dropLast()))
    }
    try flip(4, in: "optimizer.safetensors", at: 4_700_000)
    let reason = try checkpoints.newestComplete(threads: pool).skipped.first?.reason
    guard case .wrongHash(let file, _, _) = reason else {
      Issue.record("\(String(describing: reason))")
      return
    }
    #expect(file.hasSuffix("optimizer.safetensors"))
  }

  /// In the first version nothing binds the parameters' SHA-256 to the files.
  @Test func aManifestIsVerifiedBeforeItIsWrittenAnew() throws {
    let path = try checkpoints.write(Self.snapshot).path
    let (manifest, pool) = (path + "/manifest.json", ThreadPool(threadCount: 2))
    let before = try Checkpoint(path: path).manifest
    try Manifest.verify(manifest, threads: pool)
    try Manifest.rewrite(manifest)
    #expect(try Checkpoint(path: path).manifest == before)
    try SealedManifest.makeFirstVersion(of: path)
    try Manifest.verify(manifest, threads: pool)
    try flip(4, in: "model.safetensors", at: 4_700_000)
    try SealedManifest.makeFirstVersion(of: path)
    try Checkpoint(path: path).verify(threads: pool)
    let error = #expect(throws: CheckpointError.self) {
      try Manifest.verify(manifest, threads: pool)
    }
    #expect(error?.description.contains("model.safetensors, parameters_sha256") == true)
  }

  /// Of a file that has one hash nothing would be verified by hashes of chunks that it has not.
  @Test(arguments: [0, 2], [1, 2])
  func hashesOfChunksThatAFileHasNotAreRefused(count: Int, version: Int) throws {
    let path = try checkpoints.write(Self.snapshot).path
    if version == 1 { try SealedManifest.makeFirstVersion(of: path) }
    var manifest = try SealedManifest(of: path)
    let index = try #require(manifest.files.firstIndex { $0["name"] as? String == "state.json" })
    manifest.files[index]["chunks"] = Array(
      repeating: String(repeating: "0", count: 64), count: count)
    try manifest.write(to: path)
    let search = try checkpoints.newestComplete()
    #expect(search.found == nil)
    guard case .malformed(_, let problem) = search.skipped.first?.reason else {
      Issue.record("\(search.skipped)")
      return
    }
    #expect(problem.contains("'state.json' has hashes of chunks"))
  }
}
