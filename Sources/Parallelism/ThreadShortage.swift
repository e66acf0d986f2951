#if canImport(Glibc)
  import Glibc
#endif

/// The end of a process that can not have the threads that it computes with.
package enum ThreadShortage {
  /// Says why a thread could not be started and what to change, and ends the process with exit code 1.
  ///
  /// - Parameter code: The system's error number.
  package static func end(_ code: Int32) -> Never {
    let message =
      "lockstep: cannot start a thread: \(String(cString: strerror(code))). Allow more threads or memory "
      + "('ulimit -u', 'ulimit -v', a container's --pids-limit, a service's TasksMax), or take fewer threads "
      + "and ranks: a configuration's threads, mpirun's -np.\n"
    _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(1)
  }
}
