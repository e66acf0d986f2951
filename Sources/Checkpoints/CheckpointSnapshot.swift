import LockstepWeights

/// Everything that goes into one checkpoint, in plain terms: this target knows no model and no
/// optimiser.
public struct CheckpointSnapshot: Sendable {
  /// A small file to lay beside the tensors, such as `config.json` or `tokenizer.json`.
  public struct File: Equatable, Sendable {
    public let name: String
    public let bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  /// For the file of parameters, in this order.
  public var parameters: [TensorView]
  /// Which file that is.
  public var parametersFile: Checkpoint.ParametersFile
  /// For `optimizer.safetensors`, in this order: whole tensors, named such as
  /// `exp_avg/transformer.wte.weight`. Empty for an optimiser without state.
  public var optimizerState: [TensorView]
  /// For `state.json`; its step names the checkpoint.
  public var state: TrainingState
  /// Further files.
  public var files: [File]

  /// - Precondition: `files` have plain, distinct names that the checkpoint does not use itself.
  public init(
    parameters: [TensorView], in parametersFile: Checkpoint.ParametersFile = .model,
    optimizerState: [TensorView], state: TrainingState, files: [File] = []
  ) {
    let names = files.map(\.name)
    precondition(Set(names).count == names.count, "file names in a checkpoint are distinct")
    precondition(
      names.allSatisfy {
        !$0.utf8.contains(UInt8(ascii: "/")) && !Checkpoint.ownFileNames.contains($0)
      },
      "a checkpoint's further files have plain names of their own: \(names)")
    self.parameters = parameters
    self.parametersFile = parametersFile
    self.optimizerState = optimizerState
    self.state = state
    self.files = files
  }

  /// About how much it takes on disk, in bytes: all but headers, state and manifest.
  var byteCount: Int {
    (parameters + optimizerState).reduce(0) { $0 + $1.bytes.count }
      + files.reduce(0) { $0 + $1.bytes.count }
  }
}
