import Foundation
import LockstepFiles

/// What a shell's command prints, read from a pipe: no file has it in between, and no other process.
final class ShellOutput {
  /// The end of the pipe to read from.
  let descriptor: Int32
  private var process: pid_t = 0

  /// Starts `sh -c` with the command. It has no standard input; its standard error is this process's.
  init(_ command: String) throws(FileError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .last("make a pipe", "the key command") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    descriptor = ends[0]
    defer { close(ends[1]) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)

    // This process may hold back signals, or ignore SIGPIPE; the command is not to inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let words = ["sh", "-c", command]
    var arguments = words.map { (word: String) in strdup(word) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
    guard code == 0 else {
      close(descriptor)
      throw FileError(operation: "start a shell", path: "the key command", code: code)
    }
  }

  /// Stops reading and waits for the command's end.
  ///
  /// - Returns: Its exit status; 128 and the signal's number where one ended it.
  func finish() throws(FileError) -> Int32 {
    close(descriptor)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { throw .last("wait for", "the key command") }
    }
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : 128 + signal
  }
}
