import Foundation
import LockstepSettings
import LockstepSweeps
import LockstepTraining
import TestSupport
import Testing

@Suite struct SweepDocumentationTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let page = repository.appendingPathComponent("docs/sweeps.md")
  private static let isUpdating =
    ProcessInfo.processInfo.environment["LOCKSTEP_UPDATE_DOCUMENTATION"] != nil

  @Test(.enabled(if: isUpdating)) func updateThePage() throws {
    let text = try String(contentsOf: Self.page, encoding: .utf8)
    let updated = MarkdownReference(SweepConfiguration.keyDescriptions).updating(text)
    try Data(updated.page.utf8).write(to: Self.page)
  }

  @Test(.enabled(if: !isUpdating)) func thePageDocumentsEveryKeyAsItIsDeclared() throws {
    let text = try String(contentsOf: Self.page, encoding: .utf8)
    let updated = MarkdownReference(SweepConfiguration.keyDescriptions).updating(text)
    #expect(updated.missing == [])
    let isUpToDate = updated.page == text
    #expect(
      isUpToDate, "run the tests with LOCKSTEP_UPDATE_DOCUMENTATION=1, and commit docs/sweeps.md")
  }

  @Test func everyReadyMadeSweepIsValid() throws {
    let folder = Self.repository.appendingPathComponent("configs")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasPrefix("sweep-") }
    #expect(files.count >= 2)
    for file in files {
      let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      #expect(text.hasPrefix("# "), "\(file) has no header that says what it shows")
      #expect(throws: Never.self, "\(file)") {
        let sweep = try SweepConfiguration.parse(yaml: text, source: file)
        let base = Self.repository.appendingPathComponent(sweep.base)
        _ = try SweepPlan(
          sweep, base: String(contentsOf: base, encoding: .utf8), overrides: [], ranks: 2)
      }
    }
  }
}
