/// What the names of an architecture's tensors mean, in the files of one family of programs.
///
/// A parameter's own name (`Module.checkpointNames`) always means that parameter. The rest is what
/// files write otherwise, or in addition. It belongs to the architecture.
public struct WeightNames: Sendable, Equatable {
  /// A part of a name that some files write otherwise.
  public struct Spelling: Sendable, Equatable {
    /// In the file: `LayerNorm.gamma`.
    public let written: String
    /// In a parameter's name: `LayerNorm.weight`.
    public let meant: String

    public init(_ written: String, means meant: String) {
      self.written = written
      self.meant = meant
    }
  }

  /// What begins parameters' names and is left out where only the network without its head was saved:
  /// `transformer.`. Default: empty.
  public var optionalPrefix: String
  /// Applied in this order. Default: none.
  public var spellings: [Spelling]
  /// Further names of parameters, for a tensor that is used twice: `lm_head.weight` for GPT-2's
  /// `transformer.wte.weight`. Default: none.
  public var tied: [String: String]
  /// Endings of the names of tensors that are computed and not learned: `.attn.bias`, GPT-2's mask.
  /// Default: none.
  public var buffers: [String]
  /// Beginnings of the names of heads that the model does not have, and that nothing it computes
  /// depends on: `cls.seq_relationship.`, BERT's guess whether sentences follow each other.
  /// Default: none.
  public var otherHeads: [String]

  public init(
    optionalPrefix: String = "", spellings: [Spelling] = [], tied: [String: String] = [:],
    buffers: [String] = [], otherHeads: [String] = []
  ) {
    self.optionalPrefix = optionalPrefix
    self.spellings = spellings
    self.tied = tied
    self.buffers = buffers
    self.otherHeads = otherHeads
  }

  /// Parameters' own names and nothing else: the files that Lockstep writes for itself.
  public static let own = WeightNames()

  /// The parameter that a tensor holds.
  ///
  /// - Parameters:
  ///   - tensor: Its name in the file.
  ///   - parameters: The names of the model's parameters.
  /// - Returns: Nil where it holds none of them.
  public func parameter(of tensor: String, among parameters: Set<String>) -> String? {
    if parameters.contains(tensor) { return tensor }
    let spelled = spellings.reduce(tensor) { $0.replacing($1.written, with: $1.meant) }
    for name in [spelled, optionalPrefix + spelled] {
      if parameters.contains(name) { return name }
      if let tied = tied[name], parameters.contains(tied) { return tied }
    }
    return nil
  }

  /// Whether a tensor that holds no parameter is known not to matter.
  public func isNoParameter(_ tensor: String) -> Bool {
    buffers.contains { tensor.hasSuffix($0) } || isOfOtherHead(tensor)
  }

  /// Whether a tensor belongs to a head that the model does not have.
  public func isOfOtherHead(_ tensor: String) -> Bool {
    otherHeads.contains { tensor.hasPrefix($0) }
  }
}
