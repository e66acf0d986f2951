import Crypto
import LockstepFiles

/// SHA-256 over all that decides how a tokenizer encodes text. Names that a task added
/// (`Vocabulary.hashedCount`) do not.
public struct TokenizerHash: Sendable, Hashable, CustomStringConvertible {
  /// The 32 bytes of the digest.
  public let bytes: [UInt8]

  /// Hashes a vocabulary and what else tells two tokenizers of one kind apart.
  ///
  /// - Parameters:
  ///   - kind: The tokenizer's kind.
  ///   - vocabulary: Its tokens in the order of their ids.
  ///   - rules: Further numbers, such as the merges of a byte-pair encoding.
  init(kind: TokenizerKind, vocabulary: Vocabulary, rules: some Sequence<Int32> = []) {
    var hash = SHA256()
    func update(_ number: Int32) {
      withUnsafeBytes(of: number.littleEndian) { hash.update(bufferPointer: $0) }
    }
    hash.update(data: Array(kind.rawValue.utf8))
    let count = Int32(vocabulary.hashedCount)
    update(count)
    for token in 0..<count {
      let bytes = vocabulary.bytes(of: token)
      // The count in front keeps "ab", "c" and "a", "bc" apart; its sign marks special tokens.
      update(vocabulary.isSpecial(token) ? -Int32(bytes.count) : Int32(bytes.count))
      bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }
    for number in rules { update(number) }
    for number in Self.rules(ofTokensAddedTo: vocabulary) { update(number) }
    bytes = Array(hash.finalize())
  }

  /// Numbers for all that tells the added tokens from special ones that are looked for wherever they
  /// stand: none where all are of that kind, as those of Lockstep's own tokenizers are.
  private static func rules(ofTokensAddedTo vocabulary: Vocabulary) -> [Int32] {
    let added = vocabulary.added.filter { $0.key < vocabulary.hashedCount }.sorted {
      $0.key < $1.key
    }
    // Which are looked for first makes no difference where all are.
    let hasOrder = Set(added.map(\.value.isNormalized)).count > 1
    return added.flatMap { id, token -> [Int32] in
      let flags = [
        !token.isSpecial, token.isSingleWord, token.stripsLeft, token.stripsRight,
        hasOrder && token.isNormalized,
      ]
      let number = flags.enumerated().reduce(Int32(0)) { $0 | ($1.element ? 1 << $1.offset : 0) }
      return number == 0 ? [] : [id, number]
    }
  }

  /// The first 16 bytes as four little-endian words: what a token file's header stores.
  public var words: [UInt32] {
    (0..<4).map { word in
      (0..<4).reduce(0) { $0 | UInt32(bytes[4 * word + $1]) << UInt32(8 * $1) }
    }
  }

  /// The digest in hexadecimal, 64 characters.
  public var description: String { bytes.hexadecimal }
}
