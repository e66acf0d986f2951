import Foundation

extension Process {
  /// Takes a command line, whose program is a path, or a name that `PATH` leads to.
  func setCommand(_ words: [String]) {
    // For a variable is what `env` would take a path with this sign.
    if let program = words.first, program.contains("=") {
      executableURL = URL(fileURLWithPath: program)
      arguments = Array(words.dropFirst())
    } else {
      executableURL = URL(fileURLWithPath: "/usr/bin/env")
      arguments = words
    }
  }
}
