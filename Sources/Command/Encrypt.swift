import ArgumentParser
import LockstepCheckpoints
import LockstepEncryption
import LockstepFiles
import LockstepKeys
import LockstepParallelism
import LockstepTraining

/// `lockstep encrypt`: files for disks that others can read.
struct Encrypt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Encrypts data sets, models and checkpoints.",
    discussion: """
      Of a directory every file at any depth is encrypted, under the same names. Commands read encrypted \
      files like others when they have the key: --key-file, --key-descriptor, --key-command, or the file \
      that \(KeySource.fileVariable) names; score, doctor and benchmark have the last alone. redact takes no \
      encrypted text: use prepare --redact. The input stays as it is: remove it yourself.
      """)

  @OptionGroup var arguments: EncryptionArguments

  func run() throws { try arguments.run(.encrypt) }
}

/// `lockstep decrypt`: the way back.
struct Decrypt: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decrypts what lockstep encrypt or a training encrypted.",
    discussion: """
      Every byte is authenticated: a file that was changed, cut or exchanged is named with its first wrong \
      chunk, and nothing is written in its place.
      """)

  @OptionGroup var arguments: EncryptionArguments

  func run() throws { try arguments.run(.decrypt) }
}

/// What both have in common.
struct EncryptionArguments: ParsableArguments {
  @Argument(help: "A file or a directory.")
  var input: String

  @Option(help: "Where to write: nothing may be there.")
  var output: String

  @OptionGroup var key: KeyArguments

  @Flag(help: "Print one JSON object.")
  var json = false

  @Flag(help: "Print nothing.")
  var quiet = false

  func validate() throws {
    if key.source == nil {
      throw ValidationError(
        "no key: give --key-file FILE, --key-descriptor or --key-command, or set "
          + "\(KeySource.fileVariable); 'lockstep key --output FILE' makes one")
    }
    if json && quiet { throw ValidationError("--json and --quiet: give one or the other") }
  }

  func run(_ direction: PathEncryption.Direction) throws {
    guard let cipher = key.source.map(KeyedCipher.init) else { return }
    EncryptedFiles.install(cipher)
    // A checkpoint's manifest tells of its files as they are stored, so that no key is needed to verify them.
    let outcome = try PathEncryption(
      direction, key: cipher.key(), staysPlain: Manifest.isManifest, verify: Self.verify,
      complete: { path in try Manifest.rewrite(path) }
    ).run(input, to: output)
    if json { return try StandardOutput.printJSON(outcome) }
    guard !quiet else { return }
    let count = "\(outcome.files) file\(outcome.files == 1 ? "" : "s")"
    try StandardOutput.print(
      "\(direction.rawValue)ed \(count), \(outcome.bytesRead) bytes, to \(output)")
  }

  /// Refuses a damaged checkpoint: with a new manifest it would look whole.
  private static func verify(_ manifest: String) throws {
    do {
      try Manifest.verify(manifest, threads: .ofThisProcess)
    } catch let error as CheckpointError {
      throw LoadingError.damaged(path: FileSystem.parent(of: manifest), reason: error)
    }
  }
}
