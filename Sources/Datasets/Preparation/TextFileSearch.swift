import Foundation
import LockstepFiles

/// The text files in a directory, at any depth, and what was left out.
///
/// Links are followed. Each file and each directory is taken once, however many names lead to it, so
/// links that lead back end there. Names that begin with a dot are hidden and left out, like files that
/// do not end in `.txt`.
struct TextFileSearch {
  /// Names that a note gives; of further ones it gives the number.
  private static let shownNames = 3

  /// In the order of their paths' bytes.
  private(set) var paths: [String] = []
  /// What was left out, one sentence each.
  var notes: [String] {
    Self.note(hidden, "is hidden", "are hidden") + Self.note(others, "is no .txt", "are no .txt")
      + duplicates.map { "left out \($0.path): the same as \($0.original)" }
  }

  private var hidden: [String] = []
  private var others: [String] = []
  private var duplicates: [(path: String, original: String)] = []
  /// The path by which a file or directory was met first.
  private var met: [Identity: String] = [:]

  /// What a path leads to.
  private struct Identity: Hashable {
    let device: UInt64
    let number: UInt64
  }

  /// - Parameter directory: Its own name may be hidden.
  /// - Throws: `PreparationError.unreadableInput` with the path of what can not be read, and where a
  ///   link leads nowhere; `noTextFiles`.
  init(directory: String) throws(PreparationError) {
    try visit(directory: directory)
    if paths.isEmpty { throw .noTextFiles(directory: directory, notes: notes) }
    paths.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private mutating func visit(directory: String) throws(PreparationError) {
    guard try isNew(directory, Self.status(of: directory)) else { return }
    let names: [String]
    do throws(FileError) {
      names = try FileSystem.names(in: directory)
    } catch {
      throw .unreadableInput(path: directory, reason: error.reason)
    }
    let prefix = directory.hasSuffix("/") ? directory : directory + "/"
    for name in names { try visit(name: name, path: prefix + name) }
  }

  private mutating func visit(name: String, path: String) throws(PreparationError) {
    if name.hasPrefix(".") {
      hidden.append(path)
      return
    }
    let isText = name.lowercased().hasSuffix(".txt")
    // Fails for a link that leads nowhere: whether to a text or to a directory of texts, nobody knows.
    let status = try Self.status(of: path)
    switch status.st_mode & S_IFMT {
    case S_IFDIR: try visit(directory: path)
    case S_IFREG where isText:
      if isNew(path, status) { paths.append(path) }
    default: others.append(path)
    }
  }

  private mutating func isNew(_ path: String, _ status: stat) -> Bool {
    let identity = Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    if let original = met[identity] {
      duplicates.append((path, original))
      return false
    }
    met[identity] = path
    return true
  }

  private static func status(of path: String) throws(PreparationError) -> stat {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw .unreadableInput(path: path, reason: String(cString: strerror(errno)))
    }
    return status
  }

  private static func note(_ paths: [String], _ singular: String, _ plural: String) -> [String] {
    guard !paths.isEmpty else { return [] }
    let shown = paths.prefix(shownNames).joined(separator: ", ")
    let more = paths.count > shownNames ? " and \(paths.count - shownNames) more" : ""
    return ["left out \(shown)\(more): \(paths.count == 1 ? singular : plural)"]
  }
}
