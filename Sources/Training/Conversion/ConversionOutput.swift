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
    // It is renamed when the conversion is whole.
    if FileSystem.areSame(path, ".") || FileSystem.isMountPoint(path) {
      throw .outputStays(path: path)
    }
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
  func begin() throws(ConversionError) -> ConversionDraft {
    var whole = path
    while whole.count > 1, whole.hasSuffix("/") { whole.removeLast() }
    let name = FileSystem.name(of: whole) ?? whole
    let parent = FileSystem.parent(of: whole)
    let prefix = ".\(name).converting-"
    removeLeftovers(prefix, in: parent)
    return try onDisk { () throws(FileError) in
      try FileSystem.makeDirectory(parent)
      return try ConversionDraft(prefix: "\(parent)/\(prefix)")
    }
  }

  /// Removes what no process is writing any more. What can not be removed stays.
  private func removeLeftovers(_ prefix: String, in parent: String) {
    guard let names = try? FileSystem.namesIfAny(in: parent) else { return }
    let drafts = Set(
      names.filter { $0.hasPrefix(prefix) }.map { ConversionDraft.path(of: parent + "/" + $0) })
    for draft in drafts {
      // A writer holds the lock, on another host or in another container as well.
      guard let lock = try? FileLock.exclusive(draft + ConversionDraft.lockEnding, creates: true)
      else { continue }
      try? FileSystem.remove(draft)
      // What was to be replaced is all there is until something has its name again.
      if (try? FileSystem.exists(path)) == true {
        try? FileSystem.remove(draft + ConversionDraft.formerEnding)
      }
      try? lock.remove()
    }
  }

  /// Gives what was written its name; what was there before goes.
  func complete(_ draft: ConversionDraft) throws {
    try FileSystem.synchronize(directory: draft.path)
    let former = draft.path + ConversionDraft.formerEnding
    let isReplacing = try FileSystem.exists(path)
    if isReplacing {
      // Meanwhile someone may have put something there.
      try check()
      try FileSystem.rename(path, to: former)
    }
    do {
      try FileSystem.rename(draft.path, to: path)
    } catch {
      if isReplacing { try? FileSystem.rename(former, to: path) }
      throw error
    }
    if isReplacing { try FileSystem.remove(former) }
    draft.unlock()
    try FileSystem.synchronize(directory: FileSystem.parent(of: path))
  }
}

/// A directory that is being written, beside the output.
struct ConversionDraft {
  let path: String
  /// The lock on a file beside the directory, which is there as long as the directory is; nil on a file system
  /// without locks.
  private let lock: FileLock?

  static let lockEnding = ".lock"
  /// The end of the name that an output has while another takes its place.
  static let formerEnding = "-former"

  /// Makes the directory.
  ///
  /// - Parameter prefix: Of its path.
  init(prefix: String) throws(FileError) {
    var (path, lock, isBeingLocked) = ("", FileLock?.none, true)
    // A process that looks for leftovers may lock the file as soon as it is made: then another name is taken.
    while lock == nil, isBeingLocked {
      path = prefix + String(UInt64.random(in: 0 ... .max), radix: 16)
      do throws(FileError) {
        lock = try .exclusive(path + Self.lockEnding, creates: true)
      } catch {
        isBeingLocked = false
      }
    }
    (self.path, self.lock) = (path, lock)
    do throws(FileError) {
      try FileSystem.makeDirectory(path)
    } catch {
      unlock()
      throw error
    }
  }

  /// The directory to which something beside the output belongs.
  static func path(of leftover: String) -> String {
    for ending in [lockEnding, formerEnding] where leftover.hasSuffix(ending) {
      return String(leftover.dropLast(ending.count))
    }
    return leftover
  }

  /// Removes what was written.
  func discard() {
    try? FileSystem.remove(path)
    unlock()
  }

  /// Ends the lock, whose directory is not there any more.
  func unlock() {
    withExtendedLifetime(lock) { try? FileSystem.removeFile(path + Self.lockEnding) }
  }
}
