import CLibFuzzer
import Foundation

/// Feeds one reader with inputs that libFuzzer makes: it changes those that reached new branches of the
/// code, so that they get past checks that random damage seldom passes.
///
///     coverage-fuzz READER [LIBFUZZER'S OPTIONS] [CORPUS or INPUT]...
@main
enum CoverageFuzz {
  /// libFuzzer calls a function of C, which can not capture the reader.
  nonisolated(unsafe) private static var read: (UnsafeRawBufferPointer) throws -> Void = { _ in }

  static func main() {
    let arguments = CommandLine.arguments
    if arguments == [arguments[0], "--list"] {
      for reader in CoverageReader.all { print(reader.name) }
      return
    }
    guard arguments.count > 1,
      let reader = CoverageReader.all.first(where: { $0.name == arguments[1] })
    else {
      FileHandle.standardError.write(
        Data(
          "no such reader; there are: \(CoverageReader.all.map(\.name).joined(separator: ", "))\n"
            .utf8))
      exit(2)
    }
    read = reader.read
    // libFuzzer keeps the arguments, and starts this program again by them.
    var remaining: [UnsafeMutablePointer<CChar>?] =
      ([arguments[0]] + arguments[2...]).map { strdup($0) } + [nil]
    var count = Int32(remaining.count - 1)
    let status = remaining.withUnsafeMutableBufferPointer { pointers in
      var base = pointers.baseAddress
      return LLVMFuzzerRunDriver(&count, &base) { bytes, count in
        CoverageFuzz.test(UnsafeRawBufferPointer(start: bytes, count: count))
        return 0
      }
    }
    exit(status)
  }

  /// A reader's refusal is fine where it is one of Lockstep's own errors: those say what to change.
  private static func test(_ bytes: UnsafeRawBufferPointer) {
    do {
      try read(bytes)
    } catch {
      guard String(reflecting: type(of: error)).hasPrefix("Lockstep") else {
        fatalError("\(type(of: error)): \(error)")
      }
      // Messages quote what was found: they have to stand any content.
      _ = "\(error)"
    }
  }
}
