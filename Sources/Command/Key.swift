import ArgumentParser
import LockstepKeys

/// `lockstep key`: makes a key.
struct Key: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a key for redaction, encryption and privacy.",
    discussion: """
      Writes 32 random bytes into a new file that its owner alone can read. A file that is there is never \
      overwritten. Keep a copy where the data is not: without the key, what it encrypted is lost. The key of a \
      private run draws its noise: keep it outside the run's directory: whoever has both can subtract the noise.
      """)

  @Option(help: "The file to make.")
  var output: String

  @Flag(help: "Print nothing.")
  var quiet = false

  func run() throws {
    try SecretKey.random().write(to: output)
    guard !quiet else { return }
    try StandardOutput.print("wrote a key of \(SecretKey.byteCount) bytes to \(output)")
  }
}
