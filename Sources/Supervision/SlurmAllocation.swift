import Foundation

/// The hosts of a Slurm job.
package enum SlurmAllocation {
  /// - Throws: `HostListError.slurm` where its variables, or `scontrol`, do not tell.
  static func hosts(environment: [String: String]) throws(HostListError) -> [HostSlots] {
    guard let list = environment["SLURM_JOB_NODELIST"],
      let tasks = environment["SLURM_TASKS_PER_NODE"]
    else {
      throw .slurm(reason: "SLURM_JOB_NODELIST or SLURM_TASKS_PER_NODE is missing")
    }
    guard let counts = counts(tasks) else {
      throw .slurm(reason: "SLURM_TASKS_PER_NODE is \"\(tasks)\"")
    }
    let names = try expanded(list)
    guard names.count == counts.count else {
      throw .slurm(reason: "\(names.count) hosts have \(counts.count) counts of tasks")
    }
    return zip(names, counts).map { HostSlots(name: $0, slots: $1) }
  }

  /// The names of `n[1-3,7]`, as Slurm itself writes them out.
  private static func expanded(_ list: String) throws(HostListError) -> [String] {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["scontrol", "show", "hostnames", list]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw .slurm(reason: "scontrol can not be started")
    }
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let names = text.split(separator: "\n").map(String.init)
    guard process.terminationStatus == 0, !names.isEmpty else {
      throw .slurm(reason: "scontrol show hostnames \(list) failed")
    }
    return names
  }

  /// Counts in Slurm's notation, `2(x3),1`: two on each of three hosts, then one.
  ///
  /// - Returns: Nil for anything else.
  package static func counts(_ notation: String) -> [Int]? {
    var counts: [Int] = []
    for part in notation.split(separator: ",", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "(", maxSplits: 1)
      guard let first = pieces.first, let count = Int(first), 1...HostSlots.slotLimit ~= count
      else {
        return nil
      }
      var hosts = 1
      if pieces.count == 2 {
        guard pieces[1].hasPrefix("x"), pieces[1].hasSuffix(")"),
          let number = Int(pieces[1].dropFirst().dropLast()), 1...1_000_000 ~= number
        else { return nil }
        hosts = number
      }
      counts += Array(repeating: count, count: hosts)
    }
    return counts.isEmpty ? nil : counts
  }
}
