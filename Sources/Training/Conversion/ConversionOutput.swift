import Foundation
import LockstepFiles

/// The directory that a conversion makes: whole, or as it was before.
struct ConversionOutput {
  let path: String
  /// Whether what an earlier conversion left there is replaced.
  let overwrites: Bool

  /// All names that a conversion writes.
  private static let names: Set<String> = [
    ModelConversion.weightsName, ModelConversion.ggufName, "config.json", "tokenizer.json",
    TextConventions.tokenizerConfigurationName, TextConventions.templateName,
    TextConventions.generationName,
  ]

  /// Refuses to write where something else is.
  ///
  /// - Throws: `ConversionError`.
  func check() throws(ConversionError) {
    guard let found = try onDisk({ () throws(FileError) in try foundNames() }) else { return }
    let canBeReplaced = found.allSatisfy(Self.names.contains)
    guard found.isEmpty || overwrites && canBeReplaced else {
      throw .outputIsThere(path: path, found: found, canBeReplaced: canBeReplaced)
    }
  }

  /// Nil: there is nothing.
  private func foundNames() throws(FileError) -> [String]? {
    guard try FileSystem.exists(path) else { return nil }
    return try FileSystem.names(in: path)
  }

  private func onDisk<Result>(
    _ body: () throws(FileError) -> Result
  ) throws(ConversionError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      throw error.code == ENOTDIR && error.path == path
        ? .outputIsFile(path: path) : .output(error)
    }
  }

  /// Makes a directory to write to, in the same file system.
  ///
  /// - Throws: `ConversionError`.
  func begin() throws(ConversionError) -> String {
    var whole = path
    while whole.count > 1, whole.hasSuffix("/") { whole.removeLast() }
    let name = whole.split(separator: "/").last.map(String.init) ?? whole
    let parent = FileSystem.parent(of: whole)
    let draft =
      "\(parent)/.\(name).converting-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    try onDisk { () throws(FileError) in _ = try FileSystem.makeDirectory(draft) }
    return draft
  }

  /// Gives what was written its name; what was there before goes.
  func complete(_ draft: String) throws {
    try FileSystem.synchronize(directory: draft)
    let former = draft + "-former"
    let isReplacing = try FileSystem.exists(path)
    if isReplacing {
      // Meanwhile someone may have put something there.
      try check()
      try FileSystem.rename(path, to: former)
    }
    do {
      try FileSystem.rename(draft, to: path)
    } catch {
      if isReplacing { try? FileSystem.rename(former, to: path) }
      throw error
    }
    if isReplacing { try FileSystem.remove(former) }
    try FileSystem.synchronize(directory: FileSystem.parent(of: path))
  }
}
