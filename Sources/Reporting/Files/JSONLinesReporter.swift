import Foundation
import LockstepFiles

/// Keeps `metrics.jsonl`: one JSON object a line for every step and every evaluation, where the time went, and
/// samples.
///
/// Each line reaches the kernel as soon as it is written, so that another program can follow, and a
/// killed run loses none. After one that could not be written whole, as on a full disk, there is none.
public final class JSONLinesReporter: RunObserver {
  public let path: String
  private let file: RecordFile

  /// Opens the file.
  ///
  /// - Parameter resumedStep: The step that a resumed run goes on from: lines of later steps, which
  ///   will be taken again, are removed, as is a last line that a crash cut short. Nil starts an
  ///   empty file.
  public init(path: String, resumedStep: Int? = nil) throws(FileError) {
    self.path = path
    file = try RecordFile(path: path, flags: resumedStep == nil ? O_TRUNC : 0)
    guard let resumedStep else { return }
    let kept = try MappedFile(path: path).withBytes {
      Self.byteCount(of: Data($0), upToStep: resumedStep)
    }
    try file.shorten(to: kept)
  }

  public func receive(_ event: RunEvent) throws {
    var object = JSONObject()
    switch event {
    case .step(let record): record.add(to: &object)
    case .evaluation(let record): record.add(to: &object)
    case .ranks(let record): record.add(to: &object)
    case .samples(let record): record.add(to: &object)
    case .started, .distributions, .checkpoint, .notice, .stopped, .finished: return
    }
    try file.append(object.line)
  }

  /// Length of the leading lines that are whole and belong to steps up to the given one.
  ///
  /// Steps never fall from line to line, so this looks from the end and stops at the first that
  /// stays.
  private static func byteCount(of content: Data, upToStep step: Int) -> Int {
    let newline = UInt8(ascii: "\n")
    var end = content.count
    while end > 0 {
      let lastByte = content.index(content.startIndex, offsetBy: end - 1)
      let lineStart = content[..<lastByte].lastIndex(of: newline).map { $0 + 1 } ?? 0
      if content[lastByte] == newline,
        let line = try? JSONDecoder().decode(SteppedLine.self, from: content[lineStart..<lastByte]),
        line.step <= step
      {
        return end
      }
      end = lineStart
    }
    return 0
  }

  /// What all lines have in common.
  private struct SteppedLine: Decodable {
    let step: Int
  }
}
