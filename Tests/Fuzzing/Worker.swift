import Foundation
import ReaderClaims

/// Reads damaged files, one case after the other, and says how each ended. What crashes or hangs ends
/// the process: `Attack` sees which case had begun.
struct Worker {
  let subject: Subject
  let specimens: URL
  let seed: UInt64
  /// Bytes of address space that a case may take; nil: any.
  let memory: UInt64?

  /// Seconds of processor time that a case may take.
  private static let processorSeconds = 10
  /// Seconds that it may take where the machine is busy.
  private static let seconds: UInt32 = 200

  func run(_ cases: Range<Int>) throws {
    // Files of this worker, to be damaged.
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "lockstep-fuzz-worker-\(UUID().uuidString)")
    try FileManager.default.copyItem(
      at: specimens.appending(path: subject.folder), to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    // The address sanitizer, for one, reserves terabytes of addresses.
    if let memory {
      var limit = rlimit(rlim_cur: rlim_t(memory), rlim_max: rlim_t(memory))
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    }
    try requireAcceptance(in: folder)
    for number in cases {
      let damaged = try DamagedCase(
        subject: subject, specimens: specimens, seed: seed, number: number)
      var originals: [(URL, Data)] = []
      for (name, bytes) in damaged.files {
        let file = folder.appending(path: name)
        originals.append((file, try Data(contentsOf: file)))
        try Data(bytes).write(to: file)
      }
      limitTime(isOn: true)
      let outcome = outcome(in: folder, damaged)
      limitTime(isOn: false)
      say("end \(number) \(outcome)")
      for (file, bytes) in originals { try bytes.write(to: file) }
    }
  }

  /// A reader that refuses everything would pass: what is not damaged must be read.
  private func requireAcceptance(in folder: URL) throws {
    for whole in try DamagedCase.undamaged(subject, specimens: specimens) {
      try subject.read(folder, whole)
    }
  }

  /// What takes too long ends the process, by SIGPROF or SIGALRM.
  private func limitTime(isOn: Bool) {
    var timer = itimerval()
    timer.it_value.tv_sec = isOn ? Self.processorSeconds : 0
    setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
    alarm(isOn ? Self.seconds : 0)
  }

  private func outcome(in folder: URL, _ damaged: DamagedCase) -> String {
    do {
      try subject.read(folder, damaged)
      return "accepted"
    } catch let finding as SilentAcceptance {
      return "silent \(finding.problem)"
    } catch {
      let message = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      // Errors of the project say what was found where; those of the system and of decoders do not.
      let isOurs = String(reflecting: type(of: error)).hasPrefix("Lockstep")
      return isOurs ? "refused \(message)" : "unclear \(message)"
    }
  }

  /// Unbuffered: the next case may be the last.
  private func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}
