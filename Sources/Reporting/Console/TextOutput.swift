import Foundation

/// Where a console's text goes.
public protocol TextOutput: AnyObject {
  /// Columns of the terminal at this moment; nil where the output is no terminal, or one that
  /// cannot go back to the start of a line.
  var columns: Int? { get }

  /// Whether colours are welcome.
  var isColored: Bool { get }

  /// Writes the text in one piece.
  func write(_ text: String)
}

/// A file descriptor as text output: standard output, mostly.
///
/// Open MPI gives every rank a pseudo-terminal, whatever `mpirun` itself writes to, but one without
/// columns unless there is a real terminal at the end; so a terminal is what has columns.
public final class DescriptorOutput: TextOutput {
  private let descriptor: Int32
  private let isCapable: Bool
  private let welcomesColor: Bool

  /// - Parameters:
  ///   - descriptor: Default: standard output.
  ///   - environment: Where `TERM` and `NO_COLOR` (<https://no-color.org>) are looked up.
  public init(
    descriptor: Int32 = STDOUT_FILENO,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.descriptor = descriptor
    let terminal = environment["TERM"] ?? "dumb"
    isCapable = isatty(descriptor) == 1 && terminal != "dumb"
    welcomesColor = (environment["NO_COLOR"] ?? "").isEmpty
  }

  public var isColored: Bool { welcomesColor && columns != nil }

  public var columns: Int? {
    guard isCapable else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  public func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes {
        Foundation.write(descriptor, $0.baseAddress, $0.count)
      }
      // A console that is gone or choked must not stop the run.
      if written < 0 && errno != EINTR { return }
      rest = rest.dropFirst(max(written, 0))
    }
  }
}
