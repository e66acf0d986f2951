import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepSettings
import LockstepTensors
import LockstepWeights

/// Writes a model in the form of other programs: a directory that `transformers` loads, or a GGUF file that
/// llama.cpp runs. What `lockstep convert` does.
public struct ModelConversion: Sendable {
  /// Whose form.
  public enum Format: String, Sendable, CaseIterable {
    /// `config.json`, `model.safetensors` and the tokenizer's files.
    case safetensors
    /// `model.gguf`.
    case gguf
  }

  /// What was written.
  public struct Outcome: Encodable, Sendable {
    /// A file of the output directory.
    public struct File: Encodable, Sendable {
      public let name: String
      public let bytes: Int
    }

    public let output: String
    /// One line about the architecture.
    public let model: String
    public let parameters: Int
    /// Tensors of each type.
    public let types: [String: Int]
    /// The largest difference between an element of the model and what was written for it, found by reading
    /// the file back.
    public let largestError: Double
    /// Parameters that the format has no place for, what it can not say of how texts become vectors, and tensors of
    /// the source that Lockstep does not compute with.
    public let leftOut: [String]
    public let files: [File]
    /// How what was written compares with the model with its adapter; nil: there was none.
    public let merge: AdapterMerge?
  }

  /// What a conversion is at.
  public enum Part: String, Sendable {
    case writing, comparing
  }

  /// What `TrainedModel.open` takes.
  public var source: String
  /// The directory to be made.
  public var output: String
  public var format: Format
  public var type: StorageType
  /// Whether a model that an earlier conversion left in the output directory is replaced.
  public var overwrites: Bool
  /// Whether the source has an adapter, which is folded into its model. Default: no.
  public var mergesAdapter = false

  public init(
    source: String, output: String, format: Format = .safetensors, type: StorageType = .float32,
    overwrites: Bool = false
  ) {
    self.source = source
    self.output = output
    self.format = format
    self.type = type
    self.overwrites = overwrites
  }

  static let weightsName = "model.safetensors"
  static let ggufName = "model.gguf"

  /// Reads the model, writes it, and reads back what was written.
  ///
  /// The output directory is there with all that belongs to it, or as it was before.
  ///
  /// - Parameters:
  ///   - workspace: Holds the model.
  ///   - notice: Gets what the user should know of how the model was found, a line each.
  ///   - progress: Told how many of all elements are written, and then compared with what was meant.
  /// - Throws: What `TrainedModel.open` throws; `ConversionError`; `WeightError.notStorable`; `FileError`.
  public func run(
    in workspace: Workspace, notice: (String) -> Void = { _ in },
    progress: (_ part: Part, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) throws -> Outcome {
    // What is wrong with the request is said before a model is read.
    if format == .safetensors, type.elementType == nil {
      throw ConversionError.typeOfOtherFormat(type)
    }
    let place = ConversionOutput(path: output, overwrites: overwrites)
    try place.check()
    // Whatever the run's precision: an adapter is folded in, and compared, without rounding its factors.
    let model = try TrainedModel.open(source, in: workspace, precision: .float32)
    model.notices.forEach(notice)
    let effect = try effect(in: model)
    model.mergeAdapter()
    let total = model.parameters.reduce(0) { $0 + $1.values.count }
    let draft = try place.begin()
    do {
      let written =
        switch format {
        case .safetensors:
          try SafetensorsDirectory(model, type: type)
            .write(to: draft.path) { progress(.writing, $0, total) }
        case .gguf:
          try GGUFModelFile(model, type: type)
            .write(to: draft.path) { progress(.writing, $0, total) }
        }
      let error = try WrittenWeights(written.source).largestError(
        of: model.parameters.filter { !written.leftOut.contains($0.name) },
        isExact: type == .float32
      ) { progress(.comparing, $0, total) }
      let merge = try effect?.require(
        of: format == .gguf ? draft.path + "/" + Self.ggufName : draft.path,
        isExact: type == .float32,
        threadCount: workspace.threads.threadCount)
      let directory = draft.path + "/"
      let files = try FileSystem.names(in: draft.path).flatMap { name in
        FileSystem.isDirectory(directory + name)
          ? try FileSystem.names(in: directory + name).map { name + "/" + $0 } : [name]
      }.map { Outcome.File(name: $0, bytes: try FileSystem.size(of: directory + $0)) }
      try place.complete(draft)
      let types = Dictionary(grouping: written.source.tensors, by: \.encoding).mapValues(\.count)
      return Outcome(
        output: output, model: model.summary,
        parameters: total, types: types,
        largestError: error, leftOut: written.leftOut + model.unusedTensors, files: files,
        merge: merge)
    } catch {
      draft.discard()
      throw error
    }
  }
}

extension ModelConversion {
  /// What the adapter of a model does; nil: it has none.
  private func effect(in model: TrainedModel) throws -> AdapterEffect? {
    switch (model.base, mergesAdapter) {
    case (nil, false): return nil
    case (_?, true): return try AdapterEffect(of: model, writtenAs: format)
    case (nil, true): throw ConversionError.noAdapter(path: model.path)
    case (_?, false): throw ConversionError.adapter(path: model.path)
    }
  }
}

/// A model's tensors in a file that was just written.
struct WrittenModel {
  let source: any WeightSource
  /// Parameters that the format has no place for, and what it can not say of how texts become vectors.
  var leftOut: [String] = []
}

/// Why a model can not be written.
public enum ConversionError: UserInputError, Equatable {
  /// Files of other programs have no such network.
  case noForm(architecture: String, format: String)
  /// The format has no word for a part of the configuration.
  case notSaid(String, format: String)
  /// A type of blocks in a format that has none.
  case typeOfOtherFormat(StorageType)
  /// A model with an adapter, which has no form of its own.
  case adapter(path: String)
  /// A model without an adapter that could be merged.
  case noAdapter(path: String)
  /// Something lies where the output is to be.
  case outputIsThere(path: String, found: [String], canBeReplaced: Bool)
  case outputIsFile(path: String)
  /// The output directory can not be replaced by another one.
  case outputStays(path: String)
  /// The output directory can not be looked at, or nothing be made beside it.
  case output(FileError)
  /// What was written is not what was to be written.
  case differs(path: String, tensor: String)

  public var description: String {
    switch self {
    case .noForm(let architecture, let format):
      "a model of architecture \(architecture) has no form in \(format)"
    case .notSaid(let part, let format): "a model with \(part) has no form in \(format)"
    case .typeOfOtherFormat(let type):
      "--type \(type.rawValue) is for --format gguf; safetensors has float32, float16 and bfloat16"
    case .adapter(let path):
      "\(path): holds an adapter, which lockstep merge folds into its model"
    case .noAdapter(let path): "\(path): has no adapter; lockstep convert writes models without one"
    case .outputIsThere(let path, let found, let canBeReplaced):
      "\(path): holds \(found.prefix(8).joined(separator: ", "))"
        + (found.count > 8 ? " and more" : "")
        + (canBeReplaced
          ? "; --overwrite replaces it" : ", which no conversion wrote; name another directory")
    case .output(let error): error.description
    case .outputIsFile(let path): "\(path): is a file; name a directory"
    case .outputStays(let path):
      "\(path): can not be replaced, for it is the current directory or where a file system is mounted; name a "
        + "directory in it"
    case .differs(let path, let tensor):
      "\(path): '\(tensor)' was not written as it should; the disk may be at fault"
    }
  }
}
