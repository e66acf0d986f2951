import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `scripts/plot_loss.py`, which reads `metrics.jsonl` as Lockstep does.
  @Suite(
    .enabled(if: MPIRunner.path(of: "python3") != nil, "no Python is installed"))
  struct LossPlotTests {
    private let folder: TemporaryDirectory
    private let lines = (1...4).map { #"{"step":\#($0),"loss":\#(5 - $0)}"# + "\n" }

    init() throws { folder = try TemporaryDirectory() }

    /// - Returns: The image, empty where there is none; and what was said.
    private func plot(_ metrics: String) throws -> (image: String, messages: String, exit: Int32) {
      let (input, image) = (folder.path + "/metrics.jsonl", folder.path + "/loss.svg")
      try Data(metrics.utf8).write(to: URL(fileURLWithPath: input))
      try? FileManager.default.removeItem(atPath: image)
      let (process, pipe) = (Process(), Pipe())
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../scripts/plot_loss.py").standardizedFileURL.path
      process.arguments = ["python3", script, input, image]
      process.standardError = pipe
      try process.run()
      let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      let drawn = FileManager.default.contents(atPath: image).map {
        String(decoding: $0, as: UTF8.self)
      }
      return (drawn ?? "", said, process.terminationStatus)
    }

    @Test func aTornLastLineIsNoLine() throws {
      let whole = try plot(lines.joined())
      #expect(whole.image.contains("<polyline"), "\(whole.messages)")
      for torn in [#"{"step":5,"lo"#, #"{"step":5,"loss":9}"#, "\u{0}\u{0}\n", "7\n"] {
        #expect(try plot(lines.joined() + torn) == whole, "\(torn)")
      }
    }

    @Test func aDamagedLineBeforeOthersIsToldWithItsNumber() throws {
      let damaged = try plot(lines[0] + "{\n" + lines[1])
      #expect(damaged.exit == 1 && damaged.image.isEmpty)
      #expect(damaged.messages.hasSuffix("line 2 is damaged: remove it, or put the file back\n"))
    }
  }
}
