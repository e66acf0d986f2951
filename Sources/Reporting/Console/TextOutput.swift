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
  /// What whoever reads standard error is told once the output is gone.
  private let lossNotice: String?
  /// Whether nothing more can be written: a pipe whose reader has ended, a terminal that hung up.
  public private(set) var isGone = false

  /// - Parameters:
  ///   - descriptor: Default: standard output.
  ///   - environment: Where `TERM` and `NO_COLOR` (<https://no-color.org>) are looked up.
  ///   - lossNotice: Written to standard error once this output is gone. Default: nothing.
  public init(
    descriptor: Int32 = STDOUT_FILENO,
    environment: [String: String] = ProcessInfo.processInfo.environment,
    lossNotice: String? = nil
  ) {
    self.lossNotice = lossNotice
    self.descriptor = descriptor
    let terminal = environment["TERM"] ?? "dumb"
    isCapable = isatty(descriptor) == 1 && terminal != "dumb"
    welcomesColor = (environment["NO_COLOR"] ?? "").isEmpty
  }

  public var isColored: Bool { welcomesColor && columns != nil }

  public var columns: Int? { size.map { Int($0.ws_col) } }

  /// Rows of the terminal at this moment; nil where the output is none.
  public var rows: Int? { size.flatMap { $0.ws_row > 0 ? Int($0.ws_row) : nil } }

  private var size: winsize? {
    guard isCapable else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return size
  }

  /// Writes the text, or nothing where the output is gone: a console that is gone or choked must not
  /// stop a run. The process has to ignore SIGPIPE, see `ignoreBrokenPipes()`.
  public func write(_ text: String) {
    guard !isGone else { return }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes {
        Foundation.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 && errno != EINTR {
        isGone = errno == EPIPE || errno == EIO || errno == EBADF
        if isGone, let lossNotice {
          DescriptorOutput(descriptor: STDERR_FILENO).write(lossNotice + "\n")
        }
        return
      }
      rest = rest.dropFirst(max(written, 0))
    }
  }

  /// Makes a write to a pipe that nobody reads any more an error like any other, in the whole process:
  /// by default it is killed. For a process that has something to do even if nobody looks on; `lockstep`
  /// does it for all of its commands.
  public static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }
}
