import Foundation
import LockstepSettings
import LockstepTraining
import TestSupport
import Testing

@Suite struct ConfigurationDocumentationTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let page = repository.appendingPathComponent("docs/configuration.md")
  private static let isUpdating =
    ProcessInfo.processInfo.environment["LOCKSTEP_UPDATE_DOCUMENTATION"] != nil

  @Test(.enabled(if: isUpdating)) func updateThePage() throws {
    let text = try String(contentsOf: Self.page, encoding: .utf8)
    let updated = MarkdownReference(RunConfiguration.keyDescriptions).updating(text)
    try Data(updated.page.utf8).write(to: Self.page)
  }

  @Test(.enabled(if: !isUpdating)) func thePageDocumentsEveryKeyAsItIsDeclared() throws {
    let text = try String(contentsOf: Self.page, encoding: .utf8)
    let updated = MarkdownReference(RunConfiguration.keyDescriptions).updating(text)
    #expect(updated.missing == [])
    let isUpToDate = updated.page == text
    #expect(
      isUpToDate,
      "run the tests with LOCKSTEP_UPDATE_DOCUMENTATION=1, and commit docs/configuration.md")
  }

  @Test func everyReadyMadeConfigurationIsValid() throws {
    let folder = Self.repository.appendingPathComponent("configs")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") && !$0.hasPrefix("sweep-") }
    #expect(!files.isEmpty)
    for file in files {
      let path = folder.appendingPathComponent(file).path
      #expect(throws: Never.self, "\(file)") { try RunConfiguration.load(path: path, ranks: 1) }
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.hasPrefix("# "), "\(file) has no header that says what it shows")
    }
  }

  @Test func theListOfReadyMadeRunsHasEachFile() throws {
    let folder = Self.repository.appendingPathComponent("configs")
    let list = try String(
      contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }
    #expect(files.contains { $0.contains("/") })
    #expect(files.filter { !list.contains("\(URL(fileURLWithPath: $0).lastPathComponent)`") } == [])
  }

  /// Those that begin with weights, which have to be fetched: here with a small model's.
  @Test func everyConfigurationThatBeginsWithWeightsIsValid() throws {
    let folder = Self.repository.appendingPathComponent("configs/pretrained")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!files.isEmpty)
    let weights = TrainedModelTests.fixtures.appending(path: "llama-tied").path
    for file in files {
      let path = folder.appendingPathComponent(file).path
      #expect(throws: Never.self, "\(file)") {
        try RunConfiguration.load(
          path: path, overrides: ["model.from=\(weights)", "model.context=12"], ranks: 1)
      }
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.hasPrefix("# "), "\(file) has no header that says what it shows")
    }
  }
}
