import Foundation
import LockstepFiles
import LockstepReporting

/// Standard output of commands whose result it is.
///
/// What can not be written is an error, for a result must not be lost with exit code 0: a full disk, a
/// closed descriptor. Where the reader of a pipe has ended, the process does so too, quietly and by
/// SIGPIPE, as `head` expects it of those before it. A training's console is none of this: it goes on
/// without (`DescriptorOutput`).
enum StandardOutput {
  /// Writes text as it is.
  static func write(_ text: String) throws(StandardOutputError) {
    try write(bytes: Array(text.utf8))
  }

  /// Writes bytes that are no text.
  static func write(bytes: [UInt8]) throws(StandardOutputError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes {
        Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count)
      }
      if written >= 0 {
        rest = rest.dropFirst(written)
      } else {
        try recover(from: errno)
      }
    }
  }

  /// Writes a text that a model has made: to a terminal with its control characters visible, to files
  /// and pipes as it is.
  static func writeText(_ text: String) throws(StandardOutputError) {
    try write(isatty(STDOUT_FILENO) == 1 ? text.visible : text)
  }

  /// Prints a result for people, control characters made visible.
  static func print(_ result: some CustomStringConvertible) throws(StandardOutputError) {
    try write("\(result)".visible + "\n")
  }

  /// Prints a result for people, or as one JSON object on a line for programs.
  static func print(
    _ result: some Encodable & CustomStringConvertible, asJSON: Bool
  ) throws {
    if asJSON { try printJSON(result) } else { try print(result) }
  }

  /// Prints a result as one JSON object on a line.
  ///
  /// - Parameter keys: Default: `snake_case`.
  static func printJSON(
    _ result: some Encodable,
    keys: JSONEncoder.KeyEncodingStrategy = .convertToSnakeCase
  ) throws {
    try write(try json(result, keys: keys) + "\n")
  }

  /// A result as one JSON object on a line, without the line's end.
  ///
  /// - Parameter keys: Default: `snake_case`.
  static func json(
    _ result: some Encodable,
    keys: JSONEncoder.KeyEncodingStrategy = .convertToSnakeCase
  ) throws -> String {
    let encoder = JSONFormat.encoder()
    encoder.keyEncodingStrategy = keys
    return String(decoding: try encoder.encode(result), as: UTF8.self)
  }

  /// Returns where the next try may succeed.
  private static func recover(from code: Int32) throws(StandardOutputError) {
    switch code {
    case EINTR: return
    case EAGAIN:
      // Someone who shares the pipe has made it one that does not wait.
      var place = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      poll(&place, 1, -1)
    case EPIPE: endByBrokenPipe()
    default: throw StandardOutputError(code: code)
    }
  }

  private static func endByBrokenPipe() -> Never {
    signal(SIGPIPE, SIG_DFL)
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGPIPE)
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    raise(SIGPIPE)
    _exit(128 + SIGPIPE)
  }
}

/// Standard error: words for people, which nothing depends on.
enum StandardError {
  /// Writes lines, control characters made visible; nothing where nobody can read them.
  static func say(_ text: String) {
    DescriptorOutput(descriptor: STDERR_FILENO).write(text.visible + "\n")
  }
}

/// A result that could not be printed.
struct StandardOutputError: Error, CustomStringConvertible {
  /// The value of `errno`.
  let code: Int32

  var description: String {
    let remedy =
      code == EBADF
      ? "it is closed; send it to a file, a pipe or /dev/null"
      : "\(String(cString: strerror(code))); what was printed is not complete"
    return "standard output: cannot write: \(remedy)"
  }
}

/// Descriptors 0, 1 and 2.
enum StandardDescriptors {
  /// Takes the place of those that are closed, so that no file which is opened later gets their number,
  /// and with it what is printed.
  ///
  /// What takes their place can not be used: reading and writing fail as they would have.
  static func occupyClosed() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest number that is free is this one.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
