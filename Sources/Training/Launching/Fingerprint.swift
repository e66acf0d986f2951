import CLockstepHashing
import CLockstepHost
import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepReporting
import LockstepSettings

/// What must be the same on all ranks for a run to be one: the program, what it was told, and the libraries
/// that it found. Rank zero reads the configuration for all; so a rank that was told of another one would
/// be ignored. Processors may differ: the bits are the same.
struct Fingerprint: Codable, Equatable {
  let host: String
  /// The parts, in the order in which messages name them.
  let parts: [Part]

  struct Part: Codable, Equatable {
    let name: String
    let value: String
  }

  /// The fingerprint of this process.
  init(library: MessageLibrary) {
    host = ProcessInfo.processInfo.hostName
    let provenance = Provenance.current
    parts = [
      Part(name: "the program", value: Self.program),
      Part(name: "Lockstep", value: provenance.version),
      Part(name: "the compiler", value: provenance.compiler),
      Part(name: "MPI", value: library.version ?? "none"),
      Part(name: "the C library", value: String(cString: CHost_libraryVersion())),
      Part(
        name: "the command", value: "`\(CommandLine.arguments.dropFirst().joined(separator: " "))`"),
    ]
  }

  init(host: String, parts: [Part]) {
    self.host = host
    self.parts = parts
  }

  /// A hash of the executable's bytes.
  private static var program: String {
    guard let file = try? MappedFile(path: "/proc/self/exe") else { return "not readable" }
    let hash = CHashing_fold64(file.bytes.baseAddress, Int64(file.count), 0)
    return withExtendedLifetime(file) { String(format: "%016llx", hash) }
  }

  /// All that is in it, in a few words to compare.
  var hash: UInt64 {
    let text = Array(parts.flatMap { [$0.name, $0.value] }.joined(separator: "\n").utf8)
    return text.withUnsafeBytes { CHashing_fold64($0.baseAddress, Int64($0.count), 0) }
  }
}

extension Communicator {
  /// Refuses a job whose ranks are not the same program with the same libraries. Collective.
  ///
  /// - Throws: `AgreedError` with `DifferentProgramsError`.
  func requireSame(_ own: Fingerprint) throws {
    let hashes = try allGather([Double(bitPattern: own.hash)]).map { $0[0].bitPattern }
    guard hashes.contains(where: { $0 != hashes[0] }) else { return }
    throw AgreedError(DifferentProgramsError(try allGather(value: own)), speaks: isRankZero)
  }
}

/// Ranks are not the same program, or found other libraries.
struct DifferentProgramsError: UserInputError, Equatable {
  /// The fingerprint of each rank.
  let fingerprints: [Fingerprint]

  init(_ fingerprints: [Fingerprint]) { self.fingerprints = fingerprints }

  var description: String {
    let differing = (fingerprints.first?.parts ?? []).indices.filter { part in
      Set(fingerprints.map { $0.parts[part].value }).count > 1
    }
    let words = differing.map { part in
      let values = fingerprints.map { $0.parts[part].value }
      let groups = values.indices.filter { values.firstIndex(of: values[$0]) == $0 }
        .map { values[$0] }
      let shares = groups.map { "\($0) on \(places(of: $0, part: part))" }
      return "\(fingerprints[0].parts[part].name) differs: \(shares.joined(separator: ", "))"
    }
    return words.joined(separator: "; ")
      + ". Start the same lockstep by the same command, with the same libraries, on all hosts."
  }

  /// "h1 (rank 0, 1) and h2 (rank 3)".
  private func places(of value: String, part: Int) -> String {
    var hosts: [(name: String, ranks: [Int])] = []
    for (rank, fingerprint) in fingerprints.enumerated()
    where fingerprint.parts[part].value == value {
      if let place = hosts.firstIndex(where: { $0.name == fingerprint.host }) {
        hosts[place].ranks.append(rank)
      } else {
        hosts.append((fingerprint.host, [rank]))
      }
    }
    return hosts.map { host in
      "\(host.name) (rank \(host.ranks.map(String.init).joined(separator: ", ")))"
    }.joined(separator: " and ")
  }
}
