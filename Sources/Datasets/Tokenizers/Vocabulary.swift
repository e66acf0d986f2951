/// The bytes of every token of a tokenizer.
public struct Vocabulary: Sendable, Equatable {
  /// What the end-of-text token is called in every `tokenizer.json`.
  public static let endOfTextName = "<|endoftext|>"

  /// All tokens' bytes, one after the other.
  private var storage: [UInt8] = []
  /// Token i is storage[offsets[i] ..< offsets[i + 1]].
  private var offsets: [Int] = [0]
  /// Whether token i is a name, which stands for no text.
  private var special: [Bool] = []

  /// The id of `<|endoftext|>`, if there is one.
  public private(set) var endOfText: Int32?

  init() {}

  /// Number of tokens, V.
  public var count: Int { special.count }

  /// Appends a token that stands for text and returns its id.
  @discardableResult
  mutating func append(_ bytes: some Sequence<UInt8>) -> Int32 {
    append(bytes, special: false)
  }

  /// Appends a special token and returns its id.
  @discardableResult
  mutating func appendSpecial(_ name: String) -> Int32 {
    let id = append(name.utf8, special: true)
    if name == Self.endOfTextName { endOfText = id }
    return id
  }

  private mutating func append(_ bytes: some Sequence<UInt8>, special isSpecial: Bool) -> Int32 {
    storage.append(contentsOf: bytes)
    offsets.append(storage.count)
    special.append(isSpecial)
    return Int32(special.count - 1)
  }

  /// The bytes a token stands for; a special token gives its name.
  ///
  /// - Parameter token: An id in 0 ..< V. An id outside is a programmer error.
  public func bytes(of token: Int32) -> ArraySlice<UInt8> {
    precondition(contains(token), "token \(token) is outside of the vocabulary of \(count)")
    return storage[offsets[Int(token)]..<offsets[Int(token) + 1]]
  }

  /// Number of bytes of text that a token stands for: zero for special tokens, which are no text.
  ///
  /// Bits per byte are bits of loss over the sum of this over all target tokens.
  public func byteCount(of token: Int32) -> Int {
    isSpecial(token) ? 0 : bytes(of: token).count
  }

  /// ``byteCount(of:)`` of every token, [V], in bytes.
  public var byteCounts: [Int32] {
    (0..<Int32(count)).map { Int32(byteCount(of: $0)) }
  }

  /// Whether a token is a name such as `<|endoftext|>` and stands for no text.
  public func isSpecial(_ token: Int32) -> Bool {
    precondition(contains(token), "token \(token) is outside of the vocabulary of \(count)")
    return special[Int(token)]
  }

  /// Whether an id is one of the vocabulary's.
  public func contains(_ token: Int32) -> Bool {
    token >= 0 && Int(token) < count
  }
}
