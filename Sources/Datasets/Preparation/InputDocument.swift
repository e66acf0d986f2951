import Foundation
import LockstepFiles
import LockstepParallelism
import LockstepRedaction

/// One text that is part of a data set: a file, or standard input.
final class InputDocument: Sendable {
  /// The file's path, or "-" for standard input.
  let name: String
  private let file: MappedFile
  /// Of the byte order mark in front, which is no part of the text.
  private let markLength: Int
  /// What was found in it and replaced; nil: it was not redacted.
  let found: RedactionCounts?

  /// - Throws: `PreparationError.unreadableInput` where the file is in another encoding than UTF-8 and
  ///   says so.
  private init(
    name: String, file: MappedFile, redacting redaction: Redaction?
  ) throws(PreparationError) {
    self.name = name
    if let redaction {
      (self.file, found) = try redaction.redacted(file, name: name)
    } else {
      (self.file, found) = (file, nil)
    }
    do throws(ByteOrderMark.NotUTF8) {
      markLength = try ByteOrderMark.length(in: self.file.bytes)
    } catch {
      throw .unreadableInput(path: name, reason: "\(error)")
    }
  }

  /// The text's bytes; valid as long as the document lives.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[markLength...])
  }

  /// The number of the line in which a place is, from 1.
  func lineNumber(at place: Int) -> Int {
    1 + bytes[..<place].count { $0 == UInt8(ascii: "\n") }
  }

  /// SHA-256 of the text, in hexadecimal.
  var contentHash: String {
    withExtendedLifetime(self) { FileHash.sha256(of: bytes) }
  }

  /// What a manifest says of it.
  var record: DatasetManifest.Input {
    DatasetManifest.Input(
      name: name, bytes: bytes.count, sha256: contentHash, redacted: found?.byName)
  }

  /// What is done to texts before anything else.
  struct Redaction {
    let redactor: Redactor
    let format: RedactionFormat

    fileprivate func redacted(
      _ file: MappedFile, name: String
    ) throws(PreparationError) -> (MappedFile, RedactionCounts?) {
      let threads = ThreadPool(threadCount: min(16, ProcessInfo.processInfo.activeProcessorCount))
      do throws(RedactionError) {
        return try redactor.redacted(file, format: format, name: name, threads: threads)
      } catch {
        throw .notRedacted(error)
      }
    }
  }

  /// All texts that a list of inputs names.
  struct List {
    /// In the order of the inputs, without those that are empty.
    var documents: [InputDocument] = []
    /// What was left out, one sentence each.
    var notes: [String] = []
  }

  /// Opens all texts that a list of inputs names.
  ///
  /// - Parameters:
  ///   - inputs: Files, pipes, directories, whose `*.txt` files at any depth are taken in the
  ///     order of their paths (``TextFileSearch``), and "-" for standard input; compressed by gzip or not.
  ///   - redaction: What is replaced in them; nil: nothing.
  /// - Throws: `PreparationError` if one cannot be read or redacted, or all are empty.
  static func open(
    _ inputs: [String], redacting redaction: Redaction?
  ) throws(PreparationError) -> List {
    if inputs.isEmpty { throw .noInput }
    if inputs.filter({ $0 == "-" }).count > 1 { throw .repeatedStandardInput }
    var list = List()
    for input in inputs {
      var paths = [input]
      if FileSystem.isDirectory(input) {
        let search = try TextFileSearch(directory: input)
        paths = search.paths
        list.notes += search.notes
      }
      for path in paths {
        let document = try InputDocument(
          name: path, file: file(at: path), redacting: redaction)
        if document.bytes.isEmpty {
          list.notes.append("left out \(path): is empty")
        } else {
          list.documents.append(document)
        }
      }
    }
    if list.documents.isEmpty { throw .emptyInput(paths: inputs) }
    return list
  }

  /// A text's file; what gzip compressed is unpacked.
  private static func file(at path: String) throws(PreparationError) -> MappedFile {
    let file: MappedFile
    do throws(FileError) {
      file =
        try path == "-"
        ? MappedFile(spooling: FileHandle.standardInput.fileDescriptor, name: "standard input")
        : MappedFile(path: path)
    } catch {
      throw .unreadableInput(path: path, reason: error.reason)
    }
    // No text in UTF-8 begins like this.
    guard file.bytes.starts(with: GzipFile.magic) else { return file }
    let content: [UInt8]
    do throws(SampleDataError) {
      content = try GzipFile.contents(of: file, path: path)
    } catch {
      guard case .unreadable(_, let reason) = error else { preconditionFailure("\(error)") }
      throw .unreadableInput(path: path, reason: reason)
    }
    do throws(FileError) {
      return try MappedFile(
        spoolingAs: path, inMemory: file.isInMemory ? content.count : nil
      ) { (write) throws(FileError) in
        try content.lent { (bytes) throws(FileError) in try write(bytes) }
      }
    } catch {
      throw .unreadableInput(path: path, reason: error.reason)
    }
  }
}
