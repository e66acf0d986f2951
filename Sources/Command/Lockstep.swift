import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepEncryption
import LockstepFiles
import LockstepKeys
import LockstepReporting
import LockstepTraining

/// The command line: parses, runs one subcommand, and ends with one of Lockstep's exit codes.
@main
struct Lockstep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lockstep",
    abstract: "Trains networks data-parallel over MPI: the same bits on any number of ranks.",
    version: Provenance.current.description,
    // The help says "DATA SUBCOMMANDS".
    groupedSubcommands: [
      CommandGroup(name: "Data", subcommands: [Prepare.self, Tokenize.self, Redact.self]),
      CommandGroup(
        name: "Training", subcommands: [Train.self, Supervise.self, Sweep.self, Debug.self]),
      CommandGroup(
        name: "Model",
        subcommands: [
          Generate.self, Chat.self, Answer.self, Translate.self, Predict.self, Embed.self,
          Explain.self, Evaluate.self, Score.self,
        ]),
      CommandGroup(
        name: "Run",
        subcommands: [Watch.self, Report.self, Metrics.self, Compare.self, Inspect.self]),
      CommandGroup(name: "Conversion", subcommands: [Convert.self, Merge.self]),
      CommandGroup(
        name: "Privacy and key",
        subcommands: [Privacy.self, Audit.self, Key.self, Encrypt.self, Decrypt.self]),
      CommandGroup(name: "Machine", subcommands: [Doctor.self, Benchmark.self]),
    ])

  static func main() {
    StandardDescriptors.occupyClosed()
    // What a broken pipe means is decided where it is written to, not by a signal.
    DescriptorOutput.ignoreBrokenPipes()
    do {
      var command = try parseAsRoot()
      let keyed = command as? any ReadsEncryptedFiles
      // Read when the first file needs it.
      let source = keyed.map(\.key.source) ?? KeyArguments.environmentSource
      if case .descriptor = source {
        try LaunchEnvironment.requireOneProcess(for: "with --key-descriptor")
      }
      EncryptedFiles.install(source.map(KeyedCipher.init))
      try command.run()
    } catch {
      end(with: error)
    }
  }

  /// Prints what there is to say about an error, on the rank that speaks, and ends the process.
  private static func end(with error: any Error) -> Never {
    if let error = error as? CommandExit { Foundation.exit(error.code.rawValue) }
    // ArgumentParser's own errors and requests for help: it knows how to print them.
    if isParsingOutcome(error) {
      let isHelp = exitCode(for: error).isSuccess
      let isSpeaker = LaunchEnvironment(ProcessInfo.processInfo.environment).rank == 0
      if isSpeaker {
        let text = fullMessage(for: error)
        if !text.isEmpty { isHelp ? printHelp(text) : StandardError.say(text) }
      }
      Foundation.exit(isHelp ? 0 : LockstepTraining.ExitCode.usage.rawValue)
    }
    StandardError.say("lockstep: \(error)")
    Foundation.exit(LockstepTraining.ExitCode(of: error).rawValue)
  }

  private static func isParsingOutcome(_ error: any Error) -> Bool {
    let code = exitCode(for: error)
    return code == .validationFailure || code.isSuccess
  }

  private static func printHelp(_ text: String) {
    do {
      try StandardOutput.print(text)
    } catch {
      StandardError.say("lockstep: \(error)")
      Foundation.exit(LockstepTraining.ExitCode.failure.rawValue)
    }
  }
}

/// Ends the process with a code when everything has been said.
struct CommandExit: Error {
  let code: LockstepTraining.ExitCode
}
