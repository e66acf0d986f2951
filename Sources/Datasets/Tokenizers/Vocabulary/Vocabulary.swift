/// The bytes of every token of a tokenizer.
public struct Vocabulary: Sendable, Equatable {
  /// What the end-of-text token is called in the tokenizers that Lockstep makes, and what ends a document
  /// in a text.
  public static let endOfTextName = "<|endoftext|>"
  /// What special tokens between documents are called: by GPT-2, Qwen and SmolLM2; Llama 3; Llama 2, Mistral
  /// and RoBERTa; BERT.
  public static let endOfTextNames = [endOfTextName, "<|end_of_text|>", "</s>", "[SEP]"]
  /// The names of ``endOfTextNames`` in words.
  public static let endOfTextChoice = "<|endoftext|>, <|end_of_text|>, </s> or [SEP]"
  /// What special tokens at the end of an answer in a conversation are called: by Qwen and SmolLM2; Llama 3;
  /// Phi 3; Gemma.
  public static let endOfTurnNames = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>"]
  /// What stands in place of a hidden token.
  public static let maskName = "[MASK]"

  /// What stands in place of a missing span of text: T5's names.
  ///
  /// - Parameter index: From 0.
  public static func sentinelName(_ index: Int) -> String { "<extra_id_\(index)>" }

  /// All tokens' bytes, one after the other.
  private var storage: [UInt8] = []
  /// Token i is storage[offsets[i] ..< offsets[i + 1]].
  private var offsets: [Int] = [0]
  /// Whether token i is a name, which stands for no text.
  private var special: [Bool] = []
  /// The tokens that are looked for in a text before the rest of it is cut, by id. Special ones are
  /// among them.
  public private(set) var added: [Int32: AddedToken] = [:]

  /// Added tokens that the model's own vocabulary has not: only a look at the text finds them. No part of
  /// what makes vocabularies equal, for most tokenizers find no such token otherwise.
  private(set) var outsideModel: Set<Int32> = []

  /// The id of the token that stands between documents, by the first of ``endOfTextNames`` that there is.
  public private(set) var endOfText: Int32?
  /// The id of `[MASK]`, if there is one.
  public private(set) var mask: Int32?

  init() {}

  public static func == (left: Vocabulary, right: Vocabulary) -> Bool {
    left.storage == right.storage && left.offsets == right.offsets && left.special == right.special
      && left.added == right.added
  }

  /// Number of tokens, V.
  public var count: Int { special.count }

  /// Number of tokens that texts are made of: all but the names at the end that a task added, the
  /// mask and the sentinels of missing spans. Encoding a text never gives these.
  ///
  /// Lockstep writes them into the model's own vocabulary. A tokenizer that has such names at its end outside
  /// of that was made so by someone else, and finds them in texts.
  public var textCount: Int {
    var count = hashedCount
    while count < self.count, outsideModel.contains(Int32(count)) { count += 1 }
    return count
  }

  /// Number of tokens that a tokenizer's hash is made of: all but those at the end that are called as a mask
  /// or sentinels are, wherever they come from. So token files fit a tokenizer with a task's names and without.
  var hashedCount: Int {
    var count = count
    while count > 0, isCalledAsOfTask(Int32(count - 1)) { count -= 1 }
    return count
  }

  private func isCalledAsOfTask(_ token: Int32) -> Bool {
    guard isSpecial(token) else { return false }
    let name = String(decoding: bytes(of: token), as: UTF8.self)
    return name == Self.maskName || (name.hasPrefix("<extra_id_") && name.hasSuffix(">"))
  }

  /// The vocabulary with further special tokens behind its own; names that it has stay where they
  /// are.
  func adding(special names: [String]) -> Vocabulary {
    var extended = self
    for name in names where id(ofSpecial: name) == nil { extended.appendSpecial(name) }
    return extended
  }

  /// The id of a special token, if there is one of this name.
  public func id(ofSpecial name: String) -> Int32? {
    (0..<Int32(count)).first { isSpecial($0) && bytes(of: $0).elementsEqual(name.utf8) }
  }

  /// Appends a token that stands for text and returns its id.
  @discardableResult
  mutating func append(_ bytes: some Sequence<UInt8>) -> Int32 {
    append(bytes, special: false)
  }

  /// Appends a special token that is looked for wherever it stands, and returns its id.
  @discardableResult
  mutating func appendSpecial(_ name: String) -> Int32 {
    append(AddedToken(name))
  }

  /// Appends an added token and returns its id.
  ///
  /// - Parameter isInModel: Whether the model's own vocabulary has it, too. Default: true.
  @discardableResult
  mutating func append(_ token: AddedToken, isInModel: Bool = true) -> Int32 {
    let id = append(token.content.utf8, special: token.isSpecial)
    added[id] = token
    if !isInModel { outsideModel.insert(id) }
    if token.content == Self.maskName { mask = id }
    noteEndOfText(id, token)
    return id
  }

  /// Of several names the first counts, of one name the last token.
  private mutating func noteEndOfText(_ id: Int32, _ token: AddedToken) {
    guard let rank = Self.endOfTextNames.firstIndex(of: token.content),
      token.isSpecial || rank == 0
    else { return }
    if let known = endOfText.flatMap({ added[$0] }),
      let other = Self.endOfTextNames.firstIndex(of: known.content), other < rank
    {
      return
    }
    endOfText = id
  }

  /// The tokens behind which nothing more of an answer comes: the end of text and of a turn.
  public var ends: Set<Int32> {
    var ends = Set(
      added.filter { $0.value.isSpecial && Self.endOfTurnNames.contains($0.value.content) }.keys)
    if let endOfText { ends.insert(endOfText) }
    return ends
  }

  /// These, and the special tokens of some names.
  public func ends(named names: [String]) -> Set<Int32> {
    ends.union(names.compactMap(id(ofSpecial:)))
  }

  /// The tokens that the model's own vocabulary has, special ones among them.
  var modelTokens: [Int32] { (0..<Int32(count)).filter { !outsideModel.contains($0) } }

  /// Whether a token is looked for in a text before the rest of it is cut.
  public func isAdded(_ token: Int32) -> Bool { added[token] != nil }

  private mutating func append(_ bytes: some Sequence<UInt8>, special isSpecial: Bool) -> Int32 {
    storage.append(contentsOf: bytes)
    offsets.append(storage.count)
    special.append(isSpecial)
    return Int32(special.count - 1)
  }

  /// The bytes a token stands for; a special token gives its name. Of WordPiece these are as they are
  /// written: the tokenizer's ``Tokenizer/decoding`` puts spaces between words.
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

  /// All tokens that stand for text.
  public var textTokens: [Int32] { (0..<Int32(count)).filter { !isSpecial($0) } }

  /// Whether an id is one of the vocabulary's.
  public func contains(_ token: Int32) -> Bool {
    token >= 0 && Int(token) < count
  }
}
