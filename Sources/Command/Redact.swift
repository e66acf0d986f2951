import ArgumentParser
import Foundation
import LockstepFiles
import LockstepParallelism
import LockstepRedaction
import LockstepSettings

/// `lockstep redact`: what could tell about a person, or let someone in, replaced.
struct Redact: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replaces mail addresses, telephone numbers, cards, secrets and the like.",
    discussion: """
      Each finding becomes a mark such as [EMAIL]; with --pseudonyms one such as [EMAIL_K3V9Q2M7XA4B], which \
      is the same for the same address everywhere, made by a key (--key-file and its like). The report has \
      counts and no values; it goes to standard output, or to standard error where the text goes there.

      Of *.jsonl and *.json the strings that are no keys are redacted, of *.csv and *.tsv the fields, of \
      other files every line. docs/redaction.md says what is found, and what is not.
      """)

  @Argument(help: "A file, or - for standard input.")
  var input: String

  @Option(help: "The file to write to, or - for standard output.")
  var output: String

  @Option(help: "text, json, csv or tsv. Default: by the input's name.")
  var format: RedactionFormat?

  @OptionGroup var redaction: RedactionArguments

  @Flag(help: "Replace findings by pseudonyms, made by a key.")
  var pseudonyms = false

  @OptionGroup var key: KeyArguments

  @Option(help: "Threads. Default: all processors.")
  var threads: Int?

  @Flag(help: "Replace the file that --output names, if there is one.")
  var overwrite = false

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Flag(help: "Print no report.")
  var quiet = false

  func validate() throws {
    if key.isGiven && !pseudonyms {
      throw ValidationError("a key goes with --pseudonyms; marks are made without")
    }
    if pseudonyms && key.source == nil {
      throw ValidationError(
        "--pseudonyms needs a key: give --key-file FILE; 'lockstep key --output FILE' makes one")
    }
    try Requirement.atLeast(1).check(threads, of: "--threads")
    if json && quiet { throw ValidationError("--json and --quiet: give one or the other") }
    if output != "-" { try requirePlace(forOutput: output) }
  }

  func run() throws {
    let key = try pseudonyms ? self.key.sharedKey() : nil
    let redactor = try redaction.redactor(key: key)
    let name = input == "-" ? "standard input" : input
    let format =
      self.format ?? RedactionFormat(path: input == "-" ? output : input)
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let stream = RedactionStream(
      redactor, format: format, name: name,
      threads: ThreadPool(threadCount: threads ?? min(16, processors)))
    try redact(stream, name: name)
    guard !quiet else { return }
    let report = RedactionReport(
      input: name, format: format, classes: redactor.classes, pseudonyms: pseudonyms,
      stream: stream)
    if output != "-" { return try StandardOutput.print(report, asJSON: json) }
    StandardError.say(json ? try StandardOutput.json(report) : "\(report)")
  }

  private func redact(_ stream: RedactionStream, name: String) throws {
    let descriptor = input == "-" ? STDIN_FILENO : open(input, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RedactionError.file(.last("open", input)) }
    defer { if input != "-" { close(descriptor) } }
    let read = { (buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int in
      while true {
        let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw .last("read", name) }
        return count
      }
    }
    if output == "-" {
      var failure: StandardOutputError?
      do throws(RedactionError) {
        try stream.run(read: read) { (bytes) throws(FileError) in
          do throws(StandardOutputError) {
            try StandardOutput.write(bytes: Array(bytes))
          } catch {
            failure = error
            throw FileError(operation: "write", path: "standard output", code: error.code)
          }
        }
      } catch {
        if let failure { throw failure }
        throw error
      }
      return
    }
    guard try overwrite || !FileSystem.exists(output) else {
      throw OutputExistsError(path: output)
    }
    let file = try AtomicFile(path: output)
    try stream.run(read: read) { (bytes) throws(FileError) in try file.write(bytes) }
    try file.commit()
  }
}
