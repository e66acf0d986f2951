import LockstepCheckpoints
import LockstepFiles
import LockstepParallelism
import LockstepReporting
import LockstepSettings

/// Whether everything that a run, or one of its checkpoints, keeps on disk is as it was written: what
/// `lockstep inspect --verify` prints. Reads every byte.
public struct RunVerification: Encodable, CustomStringConvertible {
  /// One file, or one checkpoint.
  public struct Finding: Encodable, Equatable {
    public let path: String
    /// What it holds, in a few words; empty where it can not be read.
    public let content: String
    /// What is wrong with it; nil: nothing.
    public let problem: String?
  }

  public let path: String
  /// As many as this process has processors.
  private let threads = ThreadPool.ofThisProcess
  public private(set) var findings: [Finding] = []
  /// Whether nothing is wrong.
  public private(set) var isSound = true

  enum CodingKeys: String, CodingKey {
    case path, findings
    case isSound = "sound"
  }

  /// - Parameter path: A run or a checkpoint.
  /// - Throws: `LoadingError` where there is no directory, `InspectionError.notVerifiable` where it is
  ///   neither.
  public init(path: String) throws {
    self.path = path
    let place: ModelPlace
    do throws(LoadingError) {
      place = try ModelPlace(at: path)
    } catch {
      guard case .damaged(_, let reason) = error else { throw error }
      add(path, problem: "\(reason)")
      return
    }
    switch place {
    case .run(let run): verify(run)
    case .checkpoint(let checkpoint):
      let threads = threads
      check(path) { try checkpoint.verifyAll(threads) }
    case .directory, .gguf: throw InspectionError.notVerifiable(path: path)
    }
  }

  private mutating func add(_ path: String, _ content: String = "", problem: String? = nil) {
    findings.append(Finding(path: path, content: content, problem: problem))
    if problem != nil { isSound = false }
  }

  /// - Parameter body: Returns what is there in a few words.
  private mutating func check(_ path: String, _ body: () throws -> String) {
    do {
      add(path, try body())
    } catch {
      add(path, problem: "\(error)")
    }
  }

  private mutating func verify(_ run: RunDirectory) {
    check(run.configurationPath) { "\(try run.configuration().plan.steps) steps" }
    let data = run.path + "/" + DataRecord.fileName
    checkIfThere(data) {
      let bytes = try MappedFile(path: data).withBytes { Array($0) }
      return "\(try DataRecord(json: bytes, path: data).files.count) files"
    }
    checkIfThere(run.metricsPath) {
      "\(try MetricsFile.lines(of: run.metricsPath).count) lines"
    }
    var summary: RunSummary?
    checkIfThere(run.summaryPath) {
      let loaded = try RunSummary.load(from: run.summaryPath)
      summary = loaded
      return "\(loaded.steps) steps"
    }
    do throws(CheckpointError) {
      for step in try run.checkpoints.steps() {
        verify(step, of: run, summary: summary?.steps == step ? summary : nil)
      }
    } catch {
      add(run.checkpoints.path, problem: "\(error)")
    }
  }

  private mutating func checkIfThere(_ path: String, _ body: () throws -> String) {
    do throws(FileError) {
      if try FileSystem.exists(path) { check(path, body) }
    } catch {
      add(path, problem: "\(error)")
    }
  }

  private mutating func verify(_ step: Int, of run: RunDirectory, summary: RunSummary?) {
    let path = run.checkpoints.path(ofStep: step)
    let threads = threads
    let outcome = Result {
      let checkpoint = try Checkpoint(path: path)
      let content = try checkpoint.verifyAll(threads, of: run, step: step)
      if let hash = summary?.parametersSHA256, hash != checkpoint.manifest.parametersSHA256 {
        throw VerificationError(
          "its parameters_sha256 is \(checkpoint.manifest.parametersSHA256), that of "
            + "\(run.summaryPath) is \(hash)")
      }
      return content
    }
    // Beside a run that goes on: it has made room for a newer one.
    if case .failure = outcome,
      let isThere = try? FileSystem.exists(path, followsLinks: false), !isThere
    {
      return
    }
    check(path) { try outcome.get() }
  }

  /// A line for each file and checkpoint, and a last one for all.
  public var description: String {
    let lines = findings.map { finding in
      guard let problem = finding.problem else {
        return "ok       \(finding.path): \(finding.content)"
      }
      // Most name the file, and with it the checkpoint.
      return "PROBLEM  " + (problem.hasPrefix(finding.path) ? "" : "\(finding.path): ") + problem
    }
    let problems = findings.count { $0.problem != nil }
    return
      (lines + [
        isSound
          ? "\(path): everything is as it was written"
          : "\(path): \(problems) of \(findings.count) are damaged, or can not be read"
      ]).joined(separator: "\n")
  }
}

/// Two parts of a checkpoint contradict each other.
struct VerificationError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension Checkpoint {
  /// Checks all there is: sizes and hashes of all files, and that what they say agrees.
  ///
  /// - Parameters:
  ///   - threads: Share the hashing.
  ///   - run: Whose it is; nil: that is not known. Default: nil.
  ///   - expectedStep: What its name says; nil: anything. Default: nil.
  /// - Returns: What is there, in a few words.
  fileprivate func verifyAll(
    _ threads: ThreadPool, of run: RunDirectory? = nil, step expectedStep: Int? = nil
  ) throws -> String {
    try verify(threads: threads)
    func require(_ isTrue: Bool, _ problem: @autoclosure () -> String) throws {
      if !isTrue { throw VerificationError(problem()) }
    }
    try require(
      expectedStep.map { $0 == step } ?? true, "its manifest is of step \(step)")
    let found = try model().parametersSHA256()
    try require(
      found == manifest.parametersSHA256,
      "its parameters have SHA-256 \(found), its manifest says \(manifest.parametersSHA256)")
    _ = try optimizerState()
    let state = try state()
    try require(state.step == step, "its state.json is of step \(state.step)")
    try ResumeError.reading(notesOf: path + "/" + Self.stateFileName) {
      try Note.requireReadable(state.notes)
    }
    do {
      let description = try ModelDescription(at: .checkpoint(self))
      _ = try ModelSummary(description)
      if let configuration = description.configuration {
        try require(
          state.seed == UInt64(configuration.plan.seed),
          "its state.json has seed \(state.seed), its config.yaml \(configuration.plan.seed)")
        try require(
          state.configurationSHA256 == sha256(of: Array(configuration.identity.utf8)),
          "its state.json is of another configuration than its config.yaml")
        try run?.configuration().requireSameRun(as: configuration, storedIn: path + "/config.yaml")
      }
    } catch LoadingError.noModel {
      // A model of one's own, which no configuration describes.
    }
    let bytes = manifest.files.reduce(0) { $0 + $1.bytes }
    return "\(manifest.files.count) files, \(bytes) bytes"
  }
}
