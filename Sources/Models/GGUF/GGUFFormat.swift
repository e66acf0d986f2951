import LockstepSettings
import LockstepWeights

/// How llama.cpp's files, GGUF, have an architecture: its metadata, both ways, and the names and the
/// order of its tensors.
public struct GGUFFormat<Configuration: Architecture> {
  /// A tensor's names.
  struct TensorName {
    /// In the file, without `.weight` or `.bias`; `*` is the number of a block.
    let stored: String
    /// The parameter's.
    let meant: String
    /// The order of the elements in the file.
    var order: StoredOrder
    /// Whether llama.cpp wants it in single precision.
    var isKeptExact: Bool

    init(
      _ stored: String, _ meant: String, order: StoredOrder = .same, isKeptExact: Bool = false
    ) {
      self.stored = stored
      self.meant = meant
      self.order = order
      self.isKeptExact = isKeptExact
    }
  }

  /// What `general.architecture` says: `llama`.
  let name: String
  /// Keys without the architecture's name before them: `block_count`. Some are facts about tensors.
  let keys: [InterchangeKey<Configuration>]
  let tensors: (Configuration) -> [TensorName]
  /// A tensor that follows from the configuration, and is written and read with it.
  let computed: (Configuration) -> [Float]?
  /// What of a configuration such files can not say; nil: they can say all of it.
  let lacks: (Configuration) -> String?

  /// - Parameters:
  ///   - computed: The factors of rotary frequencies, `rope_freqs.weight`. Default: none.
  ///   - lacks: What such files can not say. Default: nothing.
  init(
    name: String, keys: [InterchangeKey<Configuration>],
    tensors: @escaping (Configuration) -> [TensorName],
    computed: @escaping (Configuration) -> [Float]? = { _ in nil },
    lacks: @escaping (Configuration) -> String? = { _ in nil }
  ) {
    self.name = name
    self.keys = keys
    self.tensors = tensors
    self.computed = computed
    self.lacks = lacks
  }
}

/// Facts about a file's tensors, which stand among the keys of its metadata.
enum GGUFFact {
  /// Whether the head has weights of its own.
  static let head = "output.weight"
  /// What rotary frequencies are divided by, one by one.
  static let rotaryFactors = "rope_freqs.weight"
  /// The table of tokens, whose rows are counted.
  static let embedding = "token_embd.weight"
  /// The table of token types, likewise.
  static let tokenTypes = "token_types.weight"
}

extension InterchangeKey where Configuration: LlamaFamily {
  /// Whether the head is the token embedding: it is where the file has no other.
  static var tiedHead: Self {
    InterchangeKey(
      names: [GGUFFact.head], setting: "tie_embeddings",
      read: { members throws(Refusal) in
        SettingNode(.plain(members[GGUFFact.head] == .bool(true) ? "false" : "true"))
      })
  }
}

/// The place of a tensor in a network: its names in general, the number of its block, and what it is there.
struct TensorPath {
  /// Without its ending, the number as `*`.
  let pattern: String
  private let number: String?
  /// `weight`, or empty.
  private let ending: String

  init(_ name: String) {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    ending = parts.count > 1 ? parts.removeLast() : ""
    let place = parts.firstIndex { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    number = place.map { parts[$0] }
    if let place { parts[place] = "*" }
    pattern = parts.joined(separator: ".")
  }

  /// This tensor under another pattern.
  func name(in other: String) -> String {
    let stem = number.map { other.replacing("*", with: $0) } ?? other
    return ending.isEmpty ? stem : stem + "." + ending
  }

  /// Of a vector, a transposition changes nothing.
  func order(_ order: StoredOrder) -> StoredOrder {
    order == .transposed && ending != "weight" ? .same : order
  }
}
