import LockstepFiles
import LockstepSettings

/// What classes are called, and so how many there are: `data.classes`.
public enum ClassNames: SettingConvertible, Equatable {
  /// How many there are; they are called by what the data have.
  case count(Int)
  /// The names, in the order of the classes' numbers.
  case names([String])
  /// A file of names, one a line, in the order of their numbers.
  case file(String)

  /// The most classes.
  public static let limit = 1 << 20

  public static var expectation: String {
    "a number of classes, a list of their names, or a file with a name a line"
  }

  public static var ends: SettingEnds {
    SettingEnds(
      within: [
        SettingNode(.plain("2")),
        SettingNode(.list([SettingNode(.text("a")), SettingNode(.text("b"))])),
      ],
      beyond: [
        SettingNode(.plain("1")), SettingNode(.list([])),
        SettingNode(.list([SettingNode(.text("a")), SettingNode(.text("a"))])),
      ])
  }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    switch node.content {
    case .list:
      guard let names = [String].decode(node, over: nil, at: path, reporting: &violations) else {
        return nil
      }
      if let problem = Self.problem(with: names) {
        reject(node, at: path, expected: problem, reporting: &violations)
        return nil
      }
      return .names(names)
    case .plain(let characters):
      guard let count = Int(scalar: characters, isQuoted: false) else {
        return .file(characters)
      }
      if 2...limit ~= count { return .count(count) }
      reject(node, at: path, expected: "from 2 to \(limit) classes", reporting: &violations)
      return nil
    case .text(let characters) where !characters.isEmpty: return .file(characters)
    case .null, .map, .text: break
    }
    reject(node, at: path, reporting: &violations)
    return nil
  }

  public var settingNode: SettingNode {
    switch self {
    case .count(let count): count.settingNode
    case .names(let names): names.settingNode
    case .file(let path): path.settingNode
    }
  }

  /// The names of classes.
  ///
  /// - Parameters:
  ///   - found: What the data call the classes, in the order of their numbers.
  ///   - file: The content of the file, where there is one.
  ///   - path: Of the data, for errors.
  /// - Returns: Nil where the data's own names are all that there is.
  /// - Throws: `SampleDataError` where there are more or fewer classes, or the data have names already.
  package func names(
    of found: [String], file: (bytes: [UInt8], path: String)?, path: String
  ) throws(SampleDataError) -> [String]? {
    let names: [String]
    switch self {
    case .count(let count):
      guard count == found.count else {
        throw .otherClasses(path: path, classes: found, expected: "\(count) classes", names: nil)
      }
      return nil
    case .names(let own): names = own
    case .file:
      guard let file else { preconditionFailure("the file of data.classes has not been read") }
      names = try Self.lines(of: file.bytes, path: file.path)
    }
    guard names.count == found.count else {
      throw .otherClasses(
        path: path, classes: found, expected: "\(names.count) names", names: names)
    }
    guard found == names || found.allSatisfy({ Int($0) != nil }) else {
      throw .namedAlready(path: path, classes: found)
    }
    return names
  }

  /// How many classes there are; nil where a file has to say it.
  package var count: Int? {
    switch self {
    case .count(let count): count
    case .names(let names): names.count
    case .file: nil
    }
  }

  /// How many names a file holds.
  ///
  /// - Throws: `SampleDataError`.
  package static func count(
    in file: (bytes: [UInt8], path: String)
  ) throws(SampleDataError) -> Int { try lines(of: file.bytes, path: file.path).count }

  /// The path of the file of names; nil where there is none.
  package var path: String? {
    if case .file(let path) = self { path } else { nil }
  }

  /// The same with another path in the place of that of the file.
  func mappingPath(_ change: (String) -> String) -> Self {
    if case .file(let path) = self { .file(change(path)) } else { self }
  }

  /// - Throws: `SampleDataError`.
  static func lines(of bytes: [UInt8], path: String) throws(SampleDataError) -> [String] {
    let start: Int
    do throws(ByteOrderMark.NotUTF8) {
      start = try ByteOrderMark.length(in: bytes)
    } catch {
      throw .otherEncoding(path: path, reason: "\(error)")
    }
    var names: [String] = []
    let lines = bytes[start...].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      guard let text = String(validating: line, as: UTF8.self) else {
        throw .notUTF8(path: path, line: index + 1)
      }
      let blank = text.allSatisfy(\.isWhitespace)
      // A file may end with an empty line.
      guard !blank || index + 1 < lines.count else { continue }
      if let space = text.firstIndex(where: { !$0.isWhitespace }),
        let end = text.lastIndex(where: { !$0.isWhitespace })
      {
        names.append(String(text[space...end]))
      } else {
        names.append("")
      }
    }
    if let problem = problem(with: names) {
      throw .wrongNames(path: path, expected: problem)
    }
    return names
  }

  /// What is wrong with names, as what is expected of them; nil: nothing.
  static func problem(with names: [String]) -> String? {
    if names.count < 2 { return "the names of at least two classes" }
    if names.contains(where: { $0.allSatisfy(\.isWhitespace) }) {
      return "names that are not empty"
    }
    return Set(names).count == names.count ? nil : "each name once"
  }
}
