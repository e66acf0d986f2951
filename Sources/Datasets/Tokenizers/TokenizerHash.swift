import Crypto
import LockstepFiles

/// SHA-256 over all that decides how a tokenizer encodes text. Names that a task added
/// (`Vocabulary.textCount`) do not.
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
    let count = Int32(vocabulary.textCount)
    update(count)
    for token in 0..<count {
      let bytes = vocabulary.bytes(of: token)
      // The count in front keeps "ab", "c" and "a", "bc" apart; its sign marks special tokens.
      update(vocabulary.isSpecial(token) ? -Int32(bytes.count) : Int32(bytes.count))
      bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }
    for number in rules { update(number) }
    bytes = Array(hash.finalize())
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
