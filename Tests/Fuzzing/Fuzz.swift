import ArgumentParser
import Foundation

/// Gives every reader of the project damaged files: it has to refuse them with a message or to read
/// something that holds. Crashes, hangs, and what is accepted in silence are findings.
@main
struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Attacks every reader with mutated files.",
    discussion: """
      A case is made of the seed, the reader's name and the case's number alone: \
      --reader NAME --first K --cases 1 repeats it. Each may take 10 seconds of processor time. Status 1 \
      where anything was found; the files of a finding are kept.
      """)

  @Option(help: "Cases depend on it alone.")
  var seed: UInt64 = 1

  @Option(help: "Cases for each reader.")
  var cases = 400

  @Option(help: "Number of the first case.")
  var first = 0

  @Option(help: "Go on, with other cases, until so many minutes are over.")
  var minutes: Double?

  @Option(help: "Only this reader; may be given more than once.")
  var reader: [String] = []

  @Option(help: "Where files of findings are kept.")
  var findings = ".build/fuzz"

  @Option(help: "GiB of addresses that a case may take; 0: any, as the address sanitizer needs.")
  var memory = 4

  @Option(help: "The lockstep command that makes the seeds.")
  var lockstep: String?

  /// A worker reads the cases of one reader, and dies of the first that crashes it.
  @Option(help: .hidden)
  var specimens: String?

  func validate() throws {
    guard cases > 0, first >= 0, 0...1024 ~= memory else {
      throw ValidationError("--cases, --first and --memory are counts")
    }
    let known = Subject.all.map(\.name)
    if let name = reader.first(where: { !known.contains($0) }) {
      throw ValidationError("no reader \(name); there are: \(known.joined(separator: ", "))")
    }
  }

  func run() throws {
    let subjects = Subject.all.filter { reader.isEmpty || reader.contains($0.name) }
    if let specimens {
      guard let subject = subjects.first else { return }
      try Worker(
        subject: subject, specimens: URL(fileURLWithPath: specimens), seed: seed,
        memory: memory > 0 ? UInt64(memory) << 30 : nil
      ).run(first..<first + cases)
      return
    }
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "lockstep-fuzz-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try SpecimenMaker(folder: folder, lockstep: lockstep).make()
    var attack = Attack(
      seed: seed, memory: memory, specimens: folder, findings: URL(fileURLWithPath: findings))
    let end = minutes.map { Date.now.addingTimeInterval($0 * 60) }
    var next = first
    repeat {
      for subject in subjects { try attack.run(subject, next..<next + cases) }
      next += cases
    } while end.map { $0 > .now } ?? false
    attack.report()
    if attack.findingCount > 0 { throw ExitCode.failure }
  }
}
