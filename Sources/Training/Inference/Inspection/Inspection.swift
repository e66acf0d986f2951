import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepFiles
import LockstepSettings
import LockstepWeights

/// What is in a file or directory that Lockstep made, or in a model of another program, as
/// `lockstep inspect` shows it.
public enum Inspection: CustomStringConvertible, Encodable {
  case tokenFile(TokenFileSummary)
  case tokenizer(TokenizerSummary)
  case checkpoint(CheckpointSummary)
  case run(RunContents)
  case model(ModelSummary)
  case dataset(DatasetSummary)
  case configuration(ConfigurationSummary)
  case search(SearchSummary)
  case table(TableSummary)
  case images(ImageFileSummary)

  /// Looks at whatever is there.
  ///
  /// - Throws: `InspectionError`, `LoadingError` for what Lockstep can not use; what reading it throws.
  public init(path: String) throws {
    let isThere: Bool
    do throws(FileError) {
      isThere = try FileSystem.exists(path)
    } catch {
      throw LoadingError.unreadable(error)
    }
    guard isThere else { throw InspectionError.nothingThere(path: path) }
    if FileSystem.isDirectory(path), let dataset = try DatasetSummary(directory: path) {
      self = .dataset(dataset)
    } else if FileSystem.isDirectory(path) || GGUFReader.isNamed(path) || GGUFReader.isGGUF(path) {
      if case .run(let run) = try ModelPlace(at: path) {
        self = .run(try RunContents(run))
        return
      }
      self = try ModelPlace.reading(path, threads: .ofThisProcess) { place, _ in
        if case .checkpoint(let checkpoint) = place {
          return .checkpoint(try CheckpointSummary(checkpoint))
        }
        return .model(try ModelSummary(ModelDescription(at: place)))
      }
    } else if path.hasSuffix(".json") {
      self = .tokenizer(try TokenizerSummary(path: path))
    } else if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
      if let search = try SearchSummary(path: path) {
        self = .search(search)
      } else {
        self = .configuration(try ConfigurationSummary(path: path))
      }
    } else {
      self = try Self.data(path: path)
    }
  }

  /// Looks at a file of data: a table by its name, images and labels by their first bytes.
  private static func data(path: String) throws -> Inspection {
    let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    if name.hasSuffix(".csv") {
      return .table(try TableSummary(GzipFile.contents(path), path: path))
    }
    if name.hasSuffix(".jsonl") || name.hasSuffix(".txt") {
      throw InspectionError.isText(path: path)
    }
    let first = try MappedFile(path: path).withBytes { Array($0.prefix(4)) }
    guard ImageFileSummary.isIDX(first) || first.starts(with: GzipFile.magic) else {
      return .tokenFile(try TokenFileSummary(path: path))
    }
    return .images(try ImageFileSummary(GzipFile.contents(path), path: path))
  }

  public var description: String {
    switch self {
    case .tokenFile(let summary): summary.description
    case .tokenizer(let summary): summary.description
    case .checkpoint(let summary): summary.description
    case .run(let summary): summary.description
    case .model(let summary): summary.description
    case .dataset(let summary): summary.description
    case .configuration(let summary): summary.description
    case .search(let summary): summary.description
    case .table(let summary): summary.description
    case .images(let summary): summary.description
    }
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .tokenFile(let summary): try summary.encode(to: encoder)
    case .tokenizer(let summary): try summary.encode(to: encoder)
    case .checkpoint(let summary): try summary.encode(to: encoder)
    case .run(let summary): try summary.encode(to: encoder)
    case .model(let summary): try summary.encode(to: encoder)
    case .dataset(let summary): try summary.encode(to: encoder)
    case .configuration(let summary): try summary.encode(to: encoder)
    case .search(let summary): try summary.encode(to: encoder)
    case .table(let summary): try summary.encode(to: encoder)
    case .images(let summary): try summary.encode(to: encoder)
    }
  }
}

/// A checkpoint's tensors and where they come from.
public struct CheckpointSummary: Encodable, CustomStringConvertible {
  /// One tensor of `model.safetensors`.
  struct TensorSummary: Encodable {
    let name: String
    let shape: [Int]
  }

  let path: String
  /// One line about the architecture; nil for a model of one's own, which no configuration describes.
  let model: String?
  let step: Int
  let tokens: Int
  let seconds: Double
  let parameters: Int
  let parametersSHA256: String
  let bytes: Int
  let tensors: [TensorSummary]

  enum CodingKeys: String, CodingKey {
    case path, model, step, tokens, seconds, parameters, bytes, tensors
    case parametersSHA256 = "parameters_sha256"
  }

  /// - Parameter checkpoint: Its files' hashes have been verified.
  init(_ checkpoint: Checkpoint) throws {
    let state = try checkpoint.state()
    path = checkpoint.path
    model = try Self.architecture(of: checkpoint)
    step = checkpoint.step
    tokens = state.tokens
    seconds = state.seconds
    parametersSHA256 = checkpoint.manifest.parametersSHA256
    bytes = checkpoint.manifest.files.reduce(0) { $0 + $1.bytes }
    tensors = try checkpoint.model().entries.map { TensorSummary(name: $0.name, shape: $0.shape) }
    parameters = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  private static func architecture(of checkpoint: Checkpoint) throws -> String? {
    do {
      return try ModelDescription(at: .checkpoint(checkpoint)).summary
    } catch LoadingError.noModel {
      return nil
    }
  }

  public var description: String {
    let width = tensors.map(\.name.count).max() ?? 0
    let rows = tensors.map {
      "  " + $0.name.padding(toLength: width, withPad: " ", startingAt: 0) + "  \($0.shape)"
    }
    return """
      \(path): checkpoint, complete, hashes verified
        model              \(model ?? "not described")
        step               \(step)
        tokens             \(tokens), in \(String(format: "%.0f", seconds.rounded(.down))) s
        parameters         \(parameters)
        parameters_sha256  \(parametersSHA256)
        size               \(bytes) bytes
      \(rows.joined(separator: "\n"))
      """
  }
}

/// A run's checkpoints and how it ended.
public struct RunContents: Encodable, CustomStringConvertible {
  let path: String
  let steps: Int
  let checkpoints: [Int]
  let skipped: [String]
  let newest: CheckpointSummary?

  init(_ run: RunDirectory) throws {
    path = run.path
    steps = try run.configuration().plan.steps
    do throws(CheckpointError) {
      checkpoints = try run.checkpoints.steps()
    } catch {
      throw LoadingError.unlisted(error)
    }
    do {
      (newest, skipped) = try ModelPlace.reading(run.path, threads: .ofThisProcess) {
        place, skipped in
        guard case .checkpoint(let checkpoint) = place else {
          throw LoadingError.noCheckpoint(path: run.path, skipped: skipped)
        }
        return (try CheckpointSummary(checkpoint), skipped.map(\.description))
      }
    } catch LoadingError.noCheckpoint(_, let skipped) {
      (newest, self.skipped) = (nil, skipped.map(\.description))
    }
  }

  public var description: String {
    let list = checkpoints.isEmpty ? "none" : checkpoints.map(String.init).joined(separator: ", ")
    let problems = skipped.map { "  passed over        \($0)\n" }.joined()
    return """
      \(path): run of \(steps) steps
        checkpoints        \(list)
      \(problems)\(newest.map(\.description) ?? "no complete checkpoint")
      """
  }
}

/// Why there is nothing to show.
public enum InspectionError: UserInputError, Equatable {
  case nothingThere(path: String)
  /// Text, which is no data before it is prepared.
  case isText(path: String)
  /// No parameter has such a name.
  case noParameter(String, path: String, names: [String])
  /// Neither a run nor a checkpoint.
  case notVerifiable(path: String)

  public var description: String {
    switch self {
    case .nothingThere(let path): "\(path): no such file or directory"
    case .notVerifiable(let path):
      "\(path): neither a run nor a checkpoint: nothing says how its files were written"
    case .isText(let path):
      "\(path): text; lockstep prepare makes token files of it, which inspect shows, and lockstep tokenize shows "
        + "its tokens"
    case .noParameter(let pattern, let path, let names):
      "\(path): has no parameter '\(pattern)'; it has \(names.prefix(8).joined(separator: ", "))"
        + (names.count > 8 ? ", … (\(names.count) in all: lockstep inspect lists them)" : "")
    }
  }
}
