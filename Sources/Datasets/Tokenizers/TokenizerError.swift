import LockstepFiles
import LockstepSettings

/// What can be wrong with a tokenizer's file, its training or a text given to it.
public enum TokenizerError: UserInputError, Equatable {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The file is no JSON. The offset is in bytes from the start of the file.
  case malformed(path: String, offset: Int, reason: String)
  /// The file is JSON, but no tokenizer that Lockstep can use.
  case unsupported(path: String, key: String, found: String, expected: String)
  /// A scalar of the text is not in a character vocabulary. The offset is in bytes.
  case unknownCharacter(Unicode.Scalar, offset: Int)
  /// A byte of the text has no token in a byte-level vocabulary. The offset is in bytes.
  case unknownByte(UInt8, offset: Int)
  /// A text for a character vocabulary is no UTF-8. The offset is in bytes.
  case invalidUTF8(offset: Int)
  /// A byte-pair encoding needs a token for each byte and one for the end of text.
  case vocabularyTooSmall(requested: Int, minimum: Int)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot read the tokenizer: \(reason)"
    case .malformed(let path, let offset, let reason):
      "\(path): not a tokenizer.json: \(reason) at byte \(offset)"
    case .unsupported(let path, let key, let found, let expected):
      "\(path): \(key) is \(found), expected \(expected)"
    case .unknownCharacter(let scalar, let offset):
      "the character tokenizer has never seen \(Self.name(of: scalar)), found at byte \(offset): "
        + "train it on text that has it, or use the tokenizer 'bpe' or 'bytes'"
    case .unknownByte(let byte, let offset):
      "the tokenizer has no token for byte 0x\([byte].hexadecimal.uppercased()), found at byte "
        + "\(offset): take it out of the text, or use another tokenizer"
    case .invalidUTF8(let offset):
      "the text is not UTF-8 at byte \(offset), which a character tokenizer needs: "
        + "convert the text, or use the tokenizer 'bpe' or 'bytes'"
    case .vocabularyTooSmall(let requested, let minimum):
      "a vocabulary of \(requested) tokens is too small: byte-pair encoding needs at least "
        + "\(minimum), one for each byte and one for the end of text"
    }
  }

  /// The same error of a text that has so many further bytes in front.
  func shifted(by count: Int) -> TokenizerError {
    switch self {
    case .unknownCharacter(let scalar, let offset):
      .unknownCharacter(scalar, offset: offset + count)
    case .unknownByte(let byte, let offset): .unknownByte(byte, offset: offset + count)
    case .invalidUTF8(let offset): .invalidUTF8(offset: offset + count)
    default: self
    }
  }

  private static func name(of scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return scalar.properties.isWhitespace || scalar.value < 32 ? code : "'\(scalar)' (\(code))"
  }
}
