import Foundation
import LockstepReporting
import LockstepTraining
import TestSupport
import Testing

/// What a run's files say about the program that made them.
@Suite struct ProvenanceTests {
  @Test func configurationOfARunBeginsWithTheProgram() throws {
    let folder = try TemporaryDirectory()
    let directory = RunDirectory(path: folder.path + "/run")
    _ = try directory.prepare(for: RunConfiguration(), resume: false)
    let text = try String(contentsOfFile: directory.configurationPath, encoding: .utf8)
    let program = Provenance.current
    let first = text.split(separator: "\n").prefix(3).joined(separator: "\n")
    #expect(
      first == """
        # Lockstep         \(program.version)
        # compiler         \(program.compiler)
        # processor level  \(program.processorLevel)
        """)
    #expect(try directory.configuration() == RunConfiguration())
  }

  @Test func aRunGoesOnUnderAnotherVersion() throws {
    let folder = try TemporaryDirectory()
    let directory = RunDirectory(path: folder.path + "/run")
    _ = try directory.prepare(for: RunConfiguration(), resume: false)
    let text = try String(contentsOfFile: directory.configurationPath, encoding: .utf8)
    let older = text.replacing(Provenance.current.version, with: "0.0.1")
    try #require(older != text)
    try Data(older.utf8).write(to: URL(fileURLWithPath: directory.configurationPath))
    _ = try directory.prepare(for: RunConfiguration(), resume: true)
    // What is there afterwards was written by the version that goes on.
    #expect(try String(contentsOfFile: directory.configurationPath, encoding: .utf8) == text)
  }

  @Test func processorLevelIsThatOfTheKernels() {
    #expect(
      ["x86-64", "x86-64-v3", "x86-64-v4", "generic"].contains(Provenance.current.processorLevel))
    #expect(Provenance.current.compiler.hasPrefix("Swift 6."))
    #expect(Provenance.current.compiler.contains("Clang"))
  }
}
