import ArgumentParser
import Foundation
import LockstepEncryption
import LockstepFiles
import LockstepKeys

/// Where a command gets its key from.
struct KeyArguments: ParsableArguments {
  @Option(
    help: """
      A file with the key, which its owner alone can read (mode 600). Default: the file that \
      \(KeySource.fileVariable) names, if it is set.
      """)
  var keyFile: String?

  @Option(help: "The number of an open descriptor to read the key from.")
  var keyDescriptor: Int32?

  @Option(help: "A command for sh that prints the key.")
  var keyCommand: String?

  func validate() throws {
    let given = [
      ("--key-file", keyFile != nil), ("--key-descriptor", keyDescriptor != nil),
      ("--key-command", keyCommand != nil),
    ].filter(\.1).map(\.0)
    guard given.count < 2 else {
      throw ValidationError("\(given[0]) and \(given[1]): give one or the other")
    }
    if let keyDescriptor, keyDescriptor < 0 {
      throw ValidationError("--key-descriptor: \(keyDescriptor) is no descriptor's number")
    }
  }

  /// Whether an option names a key.
  var isGiven: Bool { keyFile != nil || keyDescriptor != nil || keyCommand != nil }

  /// Where the key is; nil where nothing says so.
  var source: KeySource? {
    if let keyFile { return .file(keyFile) }
    if let keyDescriptor { return .descriptor(keyDescriptor) }
    if let keyCommand { return .command(keyCommand) }
    return Self.environmentSource
  }

  /// The key, for more than encrypted files. These are read with it from now on: what a descriptor gives up, or a
  /// command prints, is read once.
  ///
  /// - Returns: Nil where nothing says where it is.
  func sharedKey() throws(KeyError) -> SecretKey? {
    guard let cipher = source.map(KeyedCipher.init) else { return nil }
    EncryptedFiles.install(cipher)
    return try cipher.key()
  }

  /// The options that tell another process the same.
  var words: [String] {
    switch source {
    case .file(let path): ["--key-file", path]
    case .descriptor(let number): ["--key-descriptor", "\(number)"]
    case .command(let command): ["--key-command", command]
    case nil: []
    }
  }

  /// The file that the environment names.
  static var environmentSource: KeySource? {
    ProcessInfo.processInfo.environment[KeySource.fileVariable].map(KeySource.file)
  }
}

/// A command whose files may be encrypted: the options say where the key is.
protocol ReadsEncryptedFiles {
  var key: KeyArguments { get }
}
