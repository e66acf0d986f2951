import Foundation
import LockstepCheckpoints
import LockstepFiles
import LockstepSettings
import TestSupport
import Testing

@Suite struct CheckpointDirectoryTests {
  let temporary: TemporaryDirectory
  let checkpoints: CheckpointDirectory

  init() throws {
    temporary = try TemporaryDirectory()
    checkpoints = CheckpointDirectory(path: temporary.path + "/run/checkpoints")
  }

  @Test func holdsTheFilesOfTheContract() throws {
    let checkpoint = try withSnapshot(step: 250) { try checkpoints.write($0) }
    #expect(try temporary.names(in: "run/checkpoints") == ["step-00000250"])
    #expect(
      try temporary.names(in: "run/checkpoints/step-00000250") == [
        "config.json", "manifest.json", "model.safetensors", "optimizer.safetensors", "state.json",
      ])
    #expect(
      checkpoint.manifest.files.map(\.name) == [
        "model.safetensors", "optimizer.safetensors", "state.json", "config.json",
      ])
    #expect(try checkpoint.model().metadata["format"] == "pt")
    try checkpoint.verify()
  }

  @Test func everythingReadsBack() throws {
    try withSnapshot(step: 7, bestStep: 5) { snapshot in
      try checkpoints.write(snapshot)
      let found = try #require(try checkpoints.newestComplete().found)
      #expect(found.step == 7)
      #expect(try found.state() == snapshot.state)
      #expect(try found.model().entries.map(\.name) == ["b", "a"])
      #expect(try found.model().floats("a") == [7, 6, 5, 4, 3])
      #expect(try found.optimizerState().floats("exp_avg/b")[11] == 77)
      #expect(try found.file(named: "config.json") == snapshot.files[0].bytes)
      #expect(try found.file(named: "tokenizer.json") == nil)
      #expect(found.manifest.parametersSHA256 == parametersSHA256(of: snapshot.parameters))
    }
  }

  @Test func stateOfALaterVersionIsRead() throws {
    let json = """
      {"step": 1, "tokens": 2, "seconds": 3, "seed": 18446744073709551615, "notes": {},
       "configuration_sha256": "\(String(repeating: "0", count: 64))", "something_new": [1]}
      """
    let state = try TrainingState(description: json.utf8, path: "state.json")
    #expect(state.seed == .max)
    #expect(state.bestStep == nil)
  }

  @Test func nothingIsFoundWhereThereIsNothing() throws {
    let search = try checkpoints.newestComplete()
    #expect(search.found == nil)
    #expect(search.skipped.isEmpty)
    #expect(try checkpoints.steps().isEmpty)
  }

  /// What may befall a checkpoint, and the error that must tell of it.
  enum Damage: String, CaseIterable, Sendable {
    case manifestGone, manifestTruncated, manifestOfLaterVersion, manifestReachesOutside
    case manifestStepChanged, manifestHashGone
    case modelGone, modelTruncated, modelLonger, modelByteFlipped, stateByteFlipped, empty
    case manifestUnreadable
  }

  @Test(arguments: Damage.allCases)
  func damagedCheckpointsAreSkippedWithTheReason(damage: Damage) throws {
    for step in [1, 2, 3] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    try apply(damage, to: checkpoints.path(ofStep: 3))
    let search = try checkpoints.newestComplete()
    #expect(search.found?.step == 2)
    #expect(search.skipped.map(\.step) == [3])
    let reason = try #require(search.skipped.first?.reason)
    switch (damage, reason) {
    case (.manifestGone, .fileSystem(let error)), (.modelGone, .fileSystem(let error)),
      (.empty, .fileSystem(let error)):
      #expect(error.code == ENOENT && error.path.contains("step-00000003"))
    case (.manifestUnreadable, .fileSystem(let error)):
      #expect(error.code == EISDIR && !reason.isDamage && reason.verdict == "can not be read")
    case (.manifestTruncated, .malformed),
      (.manifestReachesOutside, .malformed), (.manifestStepChanged, .malformed),
      (.manifestHashGone, .malformed), (.manifestOfLaterVersion, .unsupportedVersion),
      (.modelTruncated, .wrongSize), (.modelLonger, .wrongSize), (.modelByteFlipped, .wrongHash),
      (.stateByteFlipped, .wrongHash):
      #expect(reason.description.contains("step-00000003"))
      #expect(reason.isDamage == (damage != .manifestOfLaterVersion))
    default:
      Issue.record("\(damage): \(reason)")
    }
  }

  /// As it is where a checkpoint was moved to a disk that is no longer there.
  @Test(arguments: [1, 3]) func aLinkThatLeadsToNothingIsPassedOverAndReplaced(step: Int) throws {
    for step in [1, 2] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    let link = checkpoints.path(ofStep: step)
    try? FileManager.default.removeItem(atPath: link)
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: "/nowhere/step-00000003")
    let search = try checkpoints.newestComplete()
    #expect(search.found?.step == 2)
    #expect(search.skipped.map(\.step) == (step > 2 ? [step] : []))
    #expect(search.skipped.allSatisfy { $0.reason.isDamage })
    try withSnapshot(step: step) { _ = try checkpoints.write($0) }
    #expect(try checkpoints.newestComplete().found?.step == max(2, step))
    #expect(try temporary.names(in: "run/checkpoints").count == max(2, step))
  }

  @Test func sameStepIsReplaced() throws {
    for bestStep in [1, 2] {
      try withSnapshot(step: 4, bestStep: bestStep) { _ = try checkpoints.write($0) }
    }
    #expect(try checkpoints.newestComplete().found?.state().bestStep == 2)
    #expect(try temporary.names(in: "run/checkpoints") == ["step-00000004"])
  }

  @Test func leftoversOfACrashAreCleared() throws {
    for step in [1, 2] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    let root = checkpoints.path
    // A crash while step 3 was written, while step 1 was removed, and while step 2 was replaced.
    try FileManager.default.createDirectory(
      atPath: root + "/.writing-step-00000003", withIntermediateDirectories: false)
    try Data([1]).write(to: URL(fileURLWithPath: root + "/.writing-step-00000003/model"))
    try FileManager.default.moveItem(
      atPath: root + "/step-00000001", toPath: root + "/.removing-step-00000001")
    try FileManager.default.moveItem(
      atPath: root + "/step-00000002", toPath: root + "/.replaced-step-00000002")
    #expect(try checkpoints.steps().isEmpty)
    try checkpoints.recover()
    #expect(try temporary.names(in: "run/checkpoints") == ["step-00000002"])
    #expect(try checkpoints.newestComplete().found?.step == 2)
  }

  @Test func failedWriteLeavesTheOldCheckpoint() throws {
    try withSnapshot(step: 4) { _ = try checkpoints.write($0) }
    // A file name of 300 bytes fails in the middle of writing.
    withSnapshot(step: 4) { snapshot in
      var snapshot = snapshot
      snapshot.files.append(.init(name: String(repeating: "x", count: 300), bytes: [1]))
      let error = #expect(throws: CheckpointError.self) { try checkpoints.write(snapshot) }
      // 29 elements and the bytes of both files.
      guard case .fileSystem(let cause) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(cause.operation == "create" && cause.code == ENAMETOOLONG)
      #expect(cause.bytesNeeded == 4 * 29 + 21 + 1)
    }
    #expect(try temporary.names(in: "run/checkpoints") == ["step-00000004"])
    #expect(try checkpoints.newestComplete().found?.step == 4)
  }

  @Test func keepsTheNewestAndTheProtected() throws {
    for step in [1, 2, 3, 4, 5] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    #expect(try checkpoints.prune(keep: 2, protecting: 2) == [1, 3])
    #expect(try checkpoints.steps() == [2, 4, 5])
    #expect(try checkpoints.prune(keep: 3) == [])
  }

  @Test func pruningNeverRemovesTheNewestComplete() throws {
    for step in [1, 2, 3, 4] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    try apply(.modelTruncated, to: checkpoints.path(ofStep: 4))
    try apply(.manifestGone, to: checkpoints.path(ofStep: 1))
    #expect(try checkpoints.prune(keep: 1) == [1, 2])
    #expect(try checkpoints.steps() == [3, 4])
    #expect(try checkpoints.newestComplete().found?.step == 3)
  }

  @Test func pruningCountsOnlyWhatVerifies() throws {
    for step in [1, 2, 3, 4] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    for step in [2, 3, 4] { try apply(.modelByteFlipped, to: checkpoints.path(ofStep: step)) }
    #expect(try checkpoints.prune(keep: 1) == [])
    try withSnapshot(step: 5) { _ = try checkpoints.write($0) }
    #expect(try checkpoints.prune(keep: 2) == [])
    #expect(try checkpoints.prune(keep: 1) == [1, 2, 3, 4])
  }

  @Test func pruningNeverRemovesWhatCanNotBeRead() throws {
    for step in [1, 2, 3, 4] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    try apply(.manifestOfLaterVersion, to: checkpoints.path(ofStep: 1))
    try apply(.manifestUnreadable, to: checkpoints.path(ofStep: 2))
    #expect(try checkpoints.prune(keep: 1) == [3])
    #expect(try checkpoints.steps() == [1, 2, 4])
  }

  @Test func whatAnotherReadsIsRemovedTheNextTime() throws {
    for step in [1, 2, 3] { try withSnapshot(step: step) { _ = try checkpoints.write($0) } }
    do {
      let reader = try Checkpoint(path: checkpoints.path(ofStep: 1))
      #expect(try checkpoints.prune(keep: 1) == [2])
      try reader.verify()
    }
    #expect(try checkpoints.prune(keep: 1) == [1])
  }

  /// A run that keeps a single checkpoint, and a reader that always finds one and can read all of it.
  @Test func readersBesideARotationLoseNothing() throws {
    try withSnapshot(step: 0) { _ = try checkpoints.write($0) }
    let ended = DispatchSemaphore(value: 0)
    let directory = checkpoints
    let writer = Thread {
      for step in 1...400 {
        withSnapshot(step: step) { snapshot in
          #expect(throws: Never.self) {
            try directory.write(snapshot)
            try directory.prune(keep: 1)
          }
        }
      }
      ended.signal()
    }
    writer.start()
    var (count, latest) = (0, 0)
    while ended.wait(timeout: .now()) != .success {
      let search = try checkpoints.newestComplete()
      let found = try #require(search.found, "\(search.skipped)")
      #expect(search.skipped.isEmpty)
      #expect(found.step >= latest)
      #expect(try found.state().step == found.step)
      #expect(try found.model().floats("a")[0] == Float(found.step))
      #expect(try found.file(named: "config.json") != nil)
      try found.verify()
      #expect(found.isInPlace)
      (count, latest) = (count + 1, found.step)
    }
    #expect(count > 0)
    try checkpoints.prune(keep: 1)
    #expect(try checkpoints.steps() == [400])
  }

  @Test func aCheckpointThatIsSavedAnewIsNotInPlace() throws {
    try withSnapshot(step: 4) { snapshot in
      let first = try checkpoints.write(snapshot)
      #expect(first.isInPlace)
      let second = try checkpoints.write(snapshot)
      #expect(!first.isInPlace && second.isInPlace)
    }
  }

  @Test func otherNamesAreLeftAlone() throws {
    try withSnapshot(step: 123_456_789) { _ = try checkpoints.write($0) }
    for name in ["step-5", "step-000000050", "step-0000000x", "notes"] {
      try FileManager.default.createDirectory(
        atPath: checkpoints.path + "/" + name, withIntermediateDirectories: false)
    }
    #expect(try checkpoints.steps() == [123_456_789])
    try checkpoints.recover()
    try checkpoints.prune(keep: 1)
    #expect(try temporary.names(in: "run/checkpoints").count == 5)
  }

  private func apply(_ damage: Damage, to path: String) throws {
    let manager = FileManager.default
    func edit(_ name: String, _ change: (inout Data) -> Void) throws {
      let url = URL(fileURLWithPath: path + "/" + name)
      var data = try Data(contentsOf: url)
      change(&data)
      try data.write(to: url)
    }
    func replace(_ old: String, with new: String) throws {
      try edit("manifest.json") {
        $0 = Data(String(decoding: $0, as: UTF8.self).replacing(old, with: new).utf8)
      }
    }
    func reseal(_ change: (inout SealedManifest) -> Void) throws {
      var manifest = try SealedManifest(of: path)
      change(&manifest)
      try manifest.write(to: path)
    }
    switch damage {
    case .manifestGone: try manager.removeItem(atPath: path + "/manifest.json")
    case .manifestTruncated: try edit("manifest.json") { $0.removeLast($0.count / 2) }
    case .manifestOfLaterVersion: try replace(#""version" : 2"#, with: #""version" : 3"#)
    case .manifestReachesOutside: try reseal { $0.files[3]["name"] = "../config.json" }
    case .manifestStepChanged: try replace(#""step" : 3"#, with: #""step" : 4"#)
    case .manifestHashGone: try reseal { $0.files[0]["sha256"] = nil }
    case .manifestUnreadable:
      try manager.removeItem(atPath: path + "/manifest.json")
      try manager.createDirectory(
        atPath: path + "/manifest.json", withIntermediateDirectories: false)
    case .modelGone: try manager.removeItem(atPath: path + "/model.safetensors")
    case .modelTruncated: try edit("model.safetensors") { $0.removeLast() }
    case .modelLonger: try edit("model.safetensors") { $0.append(0) }
    case .modelByteFlipped: try edit("model.safetensors") { $0[$0.count - 1] ^= 1 }
    case .stateByteFlipped: try edit("state.json") { $0[$0.count - 2] ^= 1 }
    case .empty:
      try manager.removeItem(atPath: path)
      try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
  }
}
