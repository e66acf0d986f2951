import Foundation
import TestSupport
import Testing

/// `lockstep watch` as a process of its own: in the tests' process, other tests may hold all threads that a server
/// would answer on.
final class ServedRuns {
  let port: Int
  let token: String
  private let process = Process()

  /// - Parameter path: A directory of runs.
  init(_ path: String) throws {
    process.executableURL = try MPIRunner.product("lockstep")
    process.arguments = ["watch", path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !text.contains("\n") {
      let data = output.fileHandleForReading.availableData
      try #require(!data.isEmpty, "lockstep watch has ended")
      text += String(decoding: data, as: UTF8.self)
    }
    let line = try #require(text.split(separator: "\n").first)
    let address = try #require(line.split(separator: " ").last.flatMap { URL(string: String($0)) })
    port = try #require(address.port)
    token = try #require(address.query?.split(separator: "=").last.map(String.init))
  }

  /// Ends it as Ctrl-C does.
  ///
  /// - Returns: The exit code.
  @discardableResult
  func end() -> Int32 {
    process.interrupt()
    process.waitUntilExit()
    return process.terminationStatus
  }

  deinit { if process.isRunning { process.terminate() } }
}
