import Foundation
import LockstepFiles

/// One text that is part of a data set: a file, or standard input.
final class InputDocument: Sendable {
  /// The file's path, or "-" for standard input.
  let name: String
  private let file: MappedFile

  private init(name: String, file: MappedFile) {
    self.name = name
    self.file = file
  }

  /// The text's bytes; valid as long as the document lives.
  var bytes: UnsafeRawBufferPointer { file.bytes }

  /// SHA-256 of the text, in hexadecimal.
  var contentHash: String {
    file.withBytes { FileHash.sha256(of: $0) }
  }

  /// Opens all texts that a list of inputs names.
  ///
  /// - Parameter inputs: Files, directories, whose `*.txt` files at any depth are taken in the order
  ///   of their paths, and "-" for standard input.
  /// - Returns: The texts in the order of the inputs; those that are empty are left out.
  /// - Throws: `PreparationError` if one cannot be read, or all are empty.
  static func open(_ inputs: [String]) throws(PreparationError) -> [InputDocument] {
    if inputs.isEmpty { throw .noInput }
    if inputs.filter({ $0 == "-" }).count > 1 { throw .repeatedStandardInput }
    var documents: [InputDocument] = []
    for input in inputs {
      for path in try textFiles(at: input) {
        do throws(FileError) {
          let file =
            try path == "-"
            ? MappedFile(spooling: FileHandle.standardInput.fileDescriptor, name: "standard input")
            : MappedFile(path: path)
          if file.count > 0 { documents.append(InputDocument(name: path, file: file)) }
        } catch {
          throw .unreadableInput(path: path, reason: error.reason)
        }
      }
    }
    if documents.isEmpty { throw .emptyInput(paths: inputs) }
    return documents
  }

  /// The text files that one input names.
  private static func textFiles(at input: String) throws(PreparationError) -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: input, isDirectory: &isDirectory),
      isDirectory.boolValue
    else { return [input] }
    let names: [String]
    do {
      names = try FileManager.default.subpathsOfDirectory(atPath: input)
    } catch {
      throw .unreadableInput(path: input, reason: error.localizedDescription)
    }
    let prefix = input.hasSuffix("/") ? input : input + "/"
    let paths = names.filter { $0.hasSuffix(".txt") }.map { prefix + $0 }.filter { path in
      FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        && !isDirectory.boolValue
    }
    if paths.isEmpty { throw .noTextFiles(directory: input) }
    return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
