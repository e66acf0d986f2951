import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepSettings

/// Why no model could be read.
public enum LoadingError: UserInputError, Equatable {
  case nothingThere(path: String)
  case notADirectory(path: String)
  case unreadable(FileError)
  /// A run whose checkpoints can not be listed.
  case unlisted(CheckpointError)
  /// A run, and the checkpoints that were found and can not be read.
  case noCheckpoint(path: String, skipped: [SkippedCheckpoint])
  /// A checkpoint that is not complete, or can not be read.
  case damaged(path: String, reason: CheckpointError)
  /// Neither `config.yaml` nor `config.json` is among the files that were found.
  case noModel(path: String, found: [String])
  /// A directory with several GGUF files, of which one is meant.
  case severalModels(path: String, files: [String])
  case noVocabulary(path: String)
  case noTokenizer(path: String)
  /// The tokenizer has no token that ends a text.
  case noEndOfText(path: String)
  /// A predictor's samples are not described.
  case noDescription(path: String, problem: String)
  /// A model of another kind than is wanted.
  case otherModel(path: String, found: ModelKind, expected: ModelKind)
  /// The tokenizer is not the one that the model learned with.
  case foreignTokenizer(path: String, found: String, expected: String)
  /// The tokenizer makes more tokens than the model has.
  case otherTokenizer(path: String, tokens: Int, model: Int)
  /// OpenBLAS multiplies the workspace's matrices, and not in the precision asked for.
  case otherProducts(path: String, precision: Precision)

  /// - Parameter error: Of listing a directory.
  init(noDirectory path: String, _ error: FileError) {
    switch error.code {
    case ENOENT: self = .nothingThere(path: path)
    case ENOTDIR: self = .notADirectory(path: path)
    default: self = .unreadable(error)
    }
  }

  /// What can be loaded.
  private static let expectation =
    "expected a run, a checkpoint, a directory with config.json and model.safetensors, or a GGUF file"

  /// Names of files that are told; of more only their number is.
  private static let mostNames = 8

  public var description: String {
    switch self {
    case .nothingThere(let path):
      "\(path): no such run or checkpoint; name the directory of one, such as runs/NAME"
    case .notADirectory(let path): "\(path): a file; \(Self.expectation)"
    case .unreadable(let error): error.description
    case .unlisted(let error): error.description
    case .noCheckpoint(let path, let skipped):
      skipped.isEmpty
        ? "\(path): the run has no complete checkpoint: go on with it (lockstep train with --resume) until it "
          + "is saved"
        : (["\(path): none of the run's checkpoints can be read:"] + skipped.map { "  \($0)" })
          .joined(separator: "\n")
    case .damaged(let path, let reason): "\(path): the checkpoint \(reason.verdict): \(reason)"
    case .noModel(let path, let found):
      "\(path): found \(Self.list(found)), but neither config.yaml nor config.json; "
        + Self.expectation
    case .severalModels(let path, let files):
      "\(path): holds \(Self.list(files)); name one of them"
    case .noVocabulary(let path):
      "\(path): neither config.yaml nor a tokenizer.json says how many tokens the model has"
    case .noTokenizer(let path):
      "\(path): tokenizer.json is missing, so text can be neither read nor written: put the one there that "
        + "the model learned with"
    case .noEndOfText(let path):
      "\(path): has no special token \(Vocabulary.endOfTextChoice), which ends each text of a pair: put the "
        + "tokenizer there that the model learned with"
    case .noDescription(let path, let problem):
      "\(path): not a description of samples that Lockstep wrote: \(problem)"
    case .otherModel(let path, let found, let expected):
      "\(path): holds \(found), not \(expected); lockstep \(found.command) takes it"
    case .foreignTokenizer(let path, let found, let expected):
      "\(path): is tokenizer \(found.prefix(12))…, but the model beside it learned with "
        + "\(expected.prefix(12))…: put that one back"
    case .otherTokenizer(let path, let tokens, let model):
      "\(path): has \(tokens) tokens, the model beside it only \(model)"
    case .otherProducts(let path, let precision):
      "\(path): its matrices are multiplied in \(precision.rawValue), and OpenBLAS, which multiplies those of the "
        + "workspace, knows float32 only: give a workspace without OpenBLAS, or precision: .float32"
    }
  }

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "no files" }
    let told = names.prefix(mostNames).joined(separator: ", ")
    return names.count > mostNames ? "\(told) and \(names.count - mostNames) more" : told
  }
}

extension ModelKind {
  /// The command that uses such a model.
  fileprivate var command: String {
    switch self {
    case .language, .maskedLanguage: "generate"
    case .encoder: "embed"
    case .sequenceToSequence: "translate"
    case .prediction, .textClassification: "predict"
    }
  }
}
