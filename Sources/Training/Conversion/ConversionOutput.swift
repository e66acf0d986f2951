import Foundation
import LockstepFiles
import LockstepWeights

/// The directory that a conversion makes: whole, or as it was before.
struct ConversionOutput {
  let path: String
  /// Whether what an earlier conversion left there is replaced.
  let overwrites: Bool

  /// All names that a conversion writes.
  private static let names = Set(
    [
      ModelConversion.weightsName, ModelConversion.ggufName, "config.json", "tokenizer.json",
      TextConventions.tokenizerConfigurationName, TextConventions.templateName,
      TextConventions.generationName,
    ] + SentencePooling.writtenNames)

  /// A key of the weights' metadata, and what a conversion puts there: a model that somebody else wrote is never
  /// replaced.
  static let markKey = "conversion.program"
  static let mark = "lockstep"

  /// Refuses to write where something else is.
  ///
  /// - Throws: `ConversionError`.
  func check() throws(ConversionError) {
    guard let found = try onDisk({ () throws(FileError) in try foundNames() }) else { return }
    let canBeReplaced = isOfConversion(found)
    guard found.isEmpty || overwrites && canBeReplaced else {
      throw .outputIsThere(path: path, found: found, canBeReplaced: canBeReplaced)
    }
  }

  /// Whether a conversion wrote what is there, as the weights say.
  private func isOfConversion(_ found: [String]) -> Bool {
    let mark =
      found == [ModelConversion.ggufName]
      ? (try? GGUFReader(path: path + "/" + ModelConversion.ggufName))?
        .metadata[Self.markKey]?.text
      : (try? SafetensorsReader(path: path + "/" + ModelConversion.weightsName))?
        .metadata[Self.markKey]
    return mark == Self.mark && found.allSatisfy(Self.names.contains)
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

  /// Makes a directory to write to, in the same file system. What killed conversions to this place left is removed.
  ///
  /// - Throws: `ConversionError`.
  func begin() throws(ConversionError) -> String {
    var whole = path
    while whole.count > 1, whole.hasSuffix("/") { whole.removeLast() }
    let name = whole.split(separator: "/").last.map(String.init) ?? whole
    let parent = FileSystem.parent(of: whole)
    let prefix = ".\(name).converting-"
    removeLeftovers(prefix, in: parent)
    let draft =
      "\(parent)/\(prefix)\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    try onDisk { () throws(FileError) in _ = try FileSystem.makeDirectory(draft) }
    return draft
  }

  /// Removes the directories of conversions whose processes are gone. One that can not be removed stays.
  private func removeLeftovers(_ prefix: String, in parent: String) {
    guard let names = try? FileSystem.namesIfAny(in: parent) else { return }
    for name in names where name.hasPrefix(prefix) {
      let parts = name.dropFirst(prefix.count).split(separator: "-")
      guard let process = parts.first.flatMap({ pid_t($0) }), kill(process, 0) != 0, errno == ESRCH
      else { continue }
      // What was to be replaced, and is all there is until something has its name again.
      if parts.last == Self.formerEnding.dropFirst(), (try? FileSystem.exists(path)) != true {
        continue
      }
      try? FileSystem.remove(parent + "/" + name)
    }
  }

  private static let formerEnding = "-former"

  /// Gives what was written its name; what was there before goes.
  func complete(_ draft: String) throws {
    try FileSystem.synchronize(directory: draft)
    let former = draft + Self.formerEnding
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
