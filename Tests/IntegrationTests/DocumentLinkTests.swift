import Foundation
import Testing

/// Links between the documents of the repository lead to a file, and where they name a heading, to that heading.
@Suite struct DocumentLinkTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Lines of documents by their paths in the repository, without blocks of code.
  private let pages: [String: [String]]

  init() throws {
    var pages: [String: [String]] = [:]
    for folder in ["", "docs/", "configs/", "launch/", "Benchmarks/"] {
      let path = Self.repository.appendingPathComponent(folder).path
      for name in try FileManager.default.contentsOfDirectory(atPath: path)
      where name.hasSuffix(".md") {
        let text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
        pages[folder + name] = Self.prose(text)
      }
    }
    self.pages = pages
  }

  private static func prose(_ text: String) -> [String] {
    var isCode = false
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isCode.toggle()
      } else if !isCode {
        lines.append(String(line))
      }
    }
    return lines
  }

  /// The names by which GitHub finds the headings of a page.
  private func anchors(_ page: String) -> Set<String> {
    var counts: [String: Int] = [:]
    var anchors: Set<String> = []
    for line in pages[page] ?? [] where line.hasPrefix("#") {
      let heading = line.drop { $0 == "#" }.dropFirst().lowercased()
        .replacing(/\[([^\]]*)\]\([^)]*\)/) { String($0.output.1) }
      let name = String(
        heading.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }
          .map { $0 == " " ? "-" : $0 })
      let count = counts[name, default: 0]
      counts[name] = count + 1
      anchors.insert(count == 0 ? name : "\(name)-\(count)")
    }
    return anchors
  }

  /// What is wrong with a link; nil: it leads somewhere.
  private func problem(_ link: Substring, in page: String) -> String? {
    if link.contains("://") || link.hasPrefix("mailto:") { return nil }
    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let base = Self.repository.appendingPathComponent(page)
    let target =
      parts[0].isEmpty
      ? base
      : base.deletingLastPathComponent().appendingPathComponent(String(parts[0])).standardized
    guard FileManager.default.fileExists(atPath: target.path) else {
      return "\(page): \(link): no such file"
    }
    let name = String(target.path.dropFirst(Self.repository.standardized.path.count + 1))
    guard parts.count == 2, pages[name] != nil, !anchors(name).contains(String(parts[1])) else {
      return nil
    }
    return "\(page): \(link): no such heading"
  }

  @Test func everyLinkLeadsSomewhere() {
    var problems: [String] = []
    var count = 0
    for (page, lines) in pages {
      for match in lines.joined(separator: "\n").matches(of: /\]\(([^)\s]+)\)/) {
        count += 1
        if let problem = problem(match.output.1, in: page) { problems.append(problem) }
      }
    }
    #expect(count > 200)
    #expect(problems.sorted() == [])
  }
}
