import LockstepFiles
import LockstepSettings

/// What can be wrong with a key. No case holds a part of one.
public enum KeyError: UserInputError, Equatable {
  /// A key's file, descriptor or command can not be read, or its file not be written.
  case file(FileError)
  /// Others than the owner may read or write the file.
  case openToOthers(path: String, mode: Int)
  /// The descriptor is not open.
  case closedDescriptor(Int32)
  /// The command ended with a status that is not 0.
  case command(status: Int32)
  /// The bytes are no key.
  case notAKey(source: String, byteCount: Int)
  /// There is something where a new key was to be written.
  case exists(path: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .openToOthers(let path, let mode):
      "\(path): mode \(String(mode, radix: 8)) lets others than its owner at the key; make it 600 with "
        + "chmod 600 '\(path)', or hand the key over with --key-descriptor or --key-command"
    case .closedDescriptor(let number):
      "--key-descriptor \(number): this process has no open descriptor \(number); open it in the shell, "
        + "for example with \(number)<FILE"
    case .command(let status):
      "--key-command: the command ended with exit status \(status); it must print the key and end with 0"
    case .notAKey(let source, SecretKey.byteCount):
      "\(source): \(SecretKey.byteCount) characters of text are no key, for a password could be guessed; expected "
        + "32 random bytes, 64 hexadecimal digits, or 44 characters of Base64; 'lockstep key --output FILE' makes "
        + "one. What was encrypted with this text is read with its bytes as 64 hexadecimal digits"
    case .notAKey(let source, let byteCount):
      "\(source): \(byteCount) bytes are no key; expected 32 bytes, 64 hexadecimal digits, or 44 "
        + "characters of Base64; 'lockstep key --output FILE' makes one"
    case .exists(let path):
      "\(path): is there already, and is never overwritten: what its key has encrypted would be lost; "
        + "give another --output"
    }
  }
}
