import Foundation
import LockstepCheckpoints
import LockstepWeights
import TestSupport
import Testing

@Suite struct CheckpointWriterTests {
  let temporary: TemporaryDirectory
  let checkpoints: CheckpointDirectory

  init() throws {
    temporary = try TemporaryDirectory()
    checkpoints = CheckpointDirectory(path: temporary.path + "/checkpoints")
  }

  @Test func savesTheValuesAtTheTimeOfTheCall() throws {
    let writer = try CheckpointWriter(directory: checkpoints)
    var parameters = TensorSet()
    // Large enough that the background is still at it when the values change.
    parameters.add("w", [2_000_000]) { Float($0) }
    for step in 1...3 {
      parameters.overwrite(with: Float(step))
      try writer.write(Self.snapshot(step, parameters.views))
      parameters.overwrite(with: -1)
    }
    #expect(try writer.finish().map(\.step) == [1, 2, 3])
    for step in 1...3 {
      let checkpoint = try Checkpoint(path: checkpoints.path(ofStep: step))
      let values = try checkpoint.model().floats("w")
      #expect(values.allSatisfy { $0 == Float(step) })
    }
  }

  @Test func backgroundErrorsSurfaceOnceAtTheNextCall() throws {
    let writer = try CheckpointWriter(directory: checkpoints)
    var parameters = TensorSet()
    parameters.add("w", [3], ramp)
    try FileManager.default.removeItem(atPath: checkpoints.path)
    try Data().write(to: URL(fileURLWithPath: checkpoints.path))
    try writer.write(Self.snapshot(1, parameters.views))
    #expect(throws: CheckpointError.self) { try writer.finish() }
    #expect(try writer.finish().isEmpty)
    try FileManager.default.removeItem(atPath: checkpoints.path)
    try writer.write(Self.snapshot(2, parameters.views))
    #expect(try writer.finish().map(\.step) == [2])
  }

  @Test func unusableDirectoryIsRefusedAtOnce() throws {
    try Data().write(to: URL(fileURLWithPath: checkpoints.path))
    #expect(throws: CheckpointError.self) { try CheckpointWriter(directory: checkpoints) }
  }

  @Test func stagedTensorsAreSavedWithTheOthers() throws {
    let writer = try CheckpointWriter(directory: checkpoints)
    try writer.prepare(copiedElementCount: 3, stagedElementCount: 4)
    var parameters = TensorSet()
    parameters.add("w", [3], ramp)
    var addresses: Set<UnsafeMutablePointer<Float>?> = []
    for step in 1...2 {
      let staging = try #require(try writer.stagingBuffer(elementCount: 4))
      addresses.insert(staging.baseAddress)
      for index in staging.indices { staging[index] = Float(10 * step + index) }
      let moment = TensorView(
        name: "exp_avg/w", shape: [3],
        values: UnsafeBufferPointer(rebasing: staging[1...]))
      var snapshot = Self.snapshot(step, parameters.views)
      snapshot.optimizerState = [moment]
      try writer.write(snapshot)
    }
    try writer.finish()
    #expect(addresses.count == 1, "the memory is reused")
    let newest = try #require(try checkpoints.newestComplete().found)
    #expect(try newest.optimizerState().floats("exp_avg/w") == [21, 22, 23])
    #expect(try newest.model().floats("w") == [ramp(0), ramp(1), ramp(2)])
  }

  @Test func keepsTheNewestAndTheBest() throws {
    let writer = try CheckpointWriter(directory: checkpoints, keep: 2, keepsBest: true)
    var removed: [Int] = []
    for step in 1...5 {
      try withSnapshot(step: step, bestStep: 2) { try writer.write($0) }
      removed += try writer.finish().flatMap(\.removedSteps)
    }
    #expect(removed == [1, 3])
    #expect(try checkpoints.steps() == [2, 4, 5])
  }

  @Test func waitingWriteIsCompleteOnReturn() throws {
    let writer = try CheckpointWriter(directory: checkpoints, keep: 1)
    try withSnapshot(step: 9) { snapshot in
      try writer.complete(writer.begin(snapshot))
      let written = try #require(try writer.takeWritten().first)
      #expect(written.step == 9)
      #expect(written.path == checkpoints.path(ofStep: 9))
      #expect(written.parametersSHA256 == parametersSHA256(of: snapshot.parameters))
      #expect(written.byteCount > 0)
    }
    #expect(try writer.takeWritten().isEmpty)
    #expect(try checkpoints.newestComplete().found?.step == 9)
  }

  @Test func appendedStateIsSavedBehindTheSnapshots() throws {
    let writer = try CheckpointWriter(directory: checkpoints)
    try withSnapshot(step: 9) { snapshot in
      let layouts = [
        TensorLayout(name: "exp_avg/a", shape: [5]), TensorLayout(name: "empty", shape: [0, 2]),
        TensorLayout(name: "exp_avg_sq/b", shape: [2, 3]),
      ]
      let draft = try writer.begin(snapshot, appending: layouts)
      // Pieces need not end where tensors do.
      for piece in [0..<2, 2..<7, 7..<7, 7..<11] {
        try piece.map(Float.init).withUnsafeBufferPointer { try draft.append($0) }
      }
      #expect(try checkpoints.steps().isEmpty)
      try writer.complete(draft)
      let found = try #require(try checkpoints.newestComplete().found)
      try found.verify()
      let state = try found.optimizerState()
      #expect(
        state.entries.map(\.name) == ["exp_avg/b", "exp_avg/a", "empty", "exp_avg_sq/b"])
      #expect(try state.floats("exp_avg/b")[11] == 99)
      #expect(try state.floats("exp_avg/a") == [0, 1, 2, 3, 4])
      #expect(try state.floats("exp_avg_sq/b") == [5, 6, 7, 8, 9, 10])
    }
  }

  @Test func anUnfinishedDraftLeavesNothing() throws {
    let writer = try CheckpointWriter(directory: checkpoints)
    try withSnapshot(step: 9) { snapshot in
      let layout = TensorLayout(name: "exp_avg/a", shape: [5])
      _ = try writer.begin(snapshot, appending: [layout])
    }
    #expect(try temporary.names(in: "checkpoints").isEmpty)
    #expect(try writer.finish().isEmpty)
  }

  @Test func abandonedWriterFinishesItsWork() throws {
    var parameters = TensorSet()
    parameters.add("w", [1_000_000], ramp)
    var writer: CheckpointWriter? = try CheckpointWriter(directory: checkpoints)
    try writer?.write(Self.snapshot(1, parameters.views))
    writer = nil
    while try checkpoints.steps().isEmpty { sched_yield() }
    #expect(try checkpoints.newestComplete().found?.step == 1)
  }

  /// A run that goes on from step 4, since newer ones are damaged without it showing in their sizes.
  @Test func rotationKeepsTheOnlyOneThatVerifies() throws {
    for step in [4, 8, 12] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    for step in [8, 12] {
      let url = URL(fileURLWithPath: checkpoints.path(ofStep: step) + "/model.safetensors")
      var bytes = try Data(contentsOf: url)
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: url)
    }
    let writer = try CheckpointWriter(directory: checkpoints, keep: 1)
    for (step, left) in [(6, [6, 8, 12]), (10, [10, 12]), (12, [12])] {
      try withSnapshot(step: step) { try writer.write($0) }
      try writer.finish()
      #expect(try checkpoints.newestComplete().found?.step == step)
      #expect(try checkpoints.steps() == left)
    }
  }

  @Test func withoutMemoryForACopyTheCheckpointIsCompleteOnReturn() throws {
    let writer = try CheckpointWriter(directory: checkpoints)
    writer.availableMemory = { 47 }
    #expect(try !writer.prepare(copiedElementCount: 3, stagedElementCount: 11))
    #expect(try writer.stagingBuffer(elementCount: 11) == nil)
    var parameters = TensorSet()
    parameters.add("w", [11], ramp)
    try writer.write(Self.snapshot(1, parameters.views))
    #expect(try checkpoints.steps() == [1])
    try #expect(Checkpoint(path: checkpoints.path(ofStep: 1)).model().floats("w")[10] == ramp(10))
    #expect(try writer.takeWritten().map(\.step) == [1])
    // An eighth is left to others.
    writer.availableMemory = { 51 }
    #expect(try writer.prepare(copiedElementCount: 11, stagedElementCount: 11))
  }

  private static func snapshot(_ step: Int, _ parameters: [TensorView]) -> CheckpointSnapshot {
    CheckpointSnapshot(
      parameters: parameters, optimizerState: [],
      state: TrainingState(
        step: step, tokens: 0, seed: 1, configurationSHA256: String(repeating: "0", count: 64)))
  }
}
