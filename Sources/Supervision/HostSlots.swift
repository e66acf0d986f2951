import LockstepFiles
import LockstepSettings

/// A host that ranks are started on, and how many of them it takes.
public struct HostSlots: Equatable, Sendable {
  public let name: String
  public let slots: Int

  public init(name: String, slots: Int) {
    self.name = name
    self.slots = slots
  }
}

extension HostSlots {
  /// Reads a host file like one of Open MPI: a line for each host, `node1 slots=2`; without `slots` a
  /// host takes one rank, where `mpirun` starts one for each of its cores. What follows a `#` is a comment.
  ///
  /// - Throws: `HostListError`.
  public static func read(fileAt path: String) throws(HostListError) -> [HostSlots] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileContents.read(path, limit: 16 << 20)
    } catch {
      throw .notReadable(path: path, reason: error.reason)
    }
    return try parse(String(decoding: bytes, as: UTF8.self), source: path)
  }

  /// - Parameter source: What errors call the text.
  package static func parse(_ text: String, source: String) throws(HostListError) -> [HostSlots] {
    var hosts: [HostSlots] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let words = line.prefix { $0 != "#" }.replacing(/[ \t]*=[ \t]*/, with: "=")
        .split { $0 == " " || $0 == "\t" }
      guard let name = words.first else { continue }
      var slots = 1
      for word in words.dropFirst() {
        guard word.hasPrefix("slots="), let count = Int(word.dropFirst(6)),
          1...slotLimit ~= count
        else { throw .badLine(source: source, line: index + 1, word: String(word)) }
        slots = count
      }
      // What is passed on to other programs must not look like one of their options.
      guard name.allSatisfy({ $0.isLetter || $0.isNumber || "-._".contains($0) }),
        !name.hasPrefix("-")
      else { throw .badLine(source: source, line: index + 1, word: String(name)) }
      guard !hosts.contains(where: { $0.name == name }) else {
        throw .repeated(source: source, line: index + 1, name: String(name))
      }
      hosts.append(HostSlots(name: String(name), slots: slots))
    }
    guard !hosts.isEmpty else { throw .empty(source: source) }
    return hosts
  }

  /// The most ranks of a host: more than any machine has processors.
  static let slotLimit = 4096
}

/// Why hosts can not be told from a file or from Slurm.
public enum HostListError: UserInputError, Equatable {
  case notReadable(path: String, reason: String)
  case badLine(source: String, line: Int, word: String)
  case repeated(source: String, line: Int, name: String)
  case empty(source: String)
  /// Slurm's variables are there, but its answer is not what was expected.
  case slurm(reason: String)

  public var description: String {
    switch self {
    case .notReadable(let path, let reason): "\(path): \(reason)"
    case .badLine(let source, let line, let word):
      "\(source), line \(line): \"\(word)\" is not understood; expected lines such as: node1 slots=2"
    case .repeated(let source, let line, let name):
      "\(source), line \(line): \(name) is there twice: give it one line with all its slots"
    case .empty(let source):
      "\(source) names no host; expected lines such as: node1 slots=2"
    case .slurm(let reason):
      "the hosts of this Slurm job can not be told: \(reason); name them in a file, with --hosts"
    }
  }
}
