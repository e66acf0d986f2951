import Foundation

/// How a command is started on another host: as Open MPI does it, by ssh or what its parameters
/// `plm_rsh_agent` and `plm_rsh_args` name, or as a step of a Slurm job.
package struct RemoteShell: Equatable {
  private enum Way: Equatable {
    /// A program and its options; host and command follow, the command for a shell.
    case agent([String])
    case slurm
  }

  private let way: Way

  /// Ends when a host does not answer, and never asks for a password: nobody is there to type it.
  private static let ssh = [
    "ssh", "-x", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "ConnectionAttempts=1",
  ]

  /// - Parameter environment: Of the process.
  package init(environment: [String: String]) {
    func words(_ name: String) -> [String] {
      (environment["OMPI_MCA_" + name] ?? "").split(separator: " ").map(String.init)
    }
    let agent = words("plm_rsh_agent")
    let isSSH = agent.isEmpty || agent == ["ssh"]
    if agent.isEmpty && environment["SLURM_JOB_ID"] != nil {
      way = .slurm
    } else {
      way = .agent((isSSH ? Self.ssh : agent) + words("plm_rsh_args"))
    }
  }

  /// The program and its arguments that run `words` on a host, with standard input and output.
  package func command(_ words: [String], on host: String) -> [String] {
    switch way {
    case .agent(let agent):
      agent + [host, words.map(Self.quoted).joined(separator: " ")]
    case .slurm:
      ["srun", "--overlap", "--unbuffered", "--quiet", "--nodes=1", "--ntasks=1", "-w", host]
        + words
    }
  }

  /// A word as a shell reads it back.
  static func quoted(_ word: String) -> String {
    // By scalars: an accent behind a quote makes one character of both.
    word.unicodeScalars.reduce(into: "'") { quoted, scalar in
      if scalar == "'" { quoted += "'\\''" } else { quoted.unicodeScalars.append(scalar) }
    } + "'"
  }
}
