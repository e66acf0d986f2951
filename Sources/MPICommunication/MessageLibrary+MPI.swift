import LockstepCommunication

extension MessageLibrary {
  /// MPI. Absent where Lockstep is built without the package trait `MPI`.
  public static var mpi: MessageLibrary { mpi(ranksPerHost: nil, segmentsAreFiles: false) }

  /// - Parameters:
  ///   - ranksPerHost: Pretends that each so many ranks of a host are a host of their own; nil:
  ///     hosts as they are.
  ///   - segmentsAreFiles: Share memory by files in /dev/shm even where anonymous memory can be
  ///     shared.
  package static func mpi(ranksPerHost: Int?, segmentsAreFiles: Bool) -> MessageLibrary {
    #if MPI
      .present(version: MPISession.libraryVersion) {
        try MPISession(ranksPerHost: ranksPerHost, segmentsAreFiles: segmentsAreFiles)
      }
    #else
      .absent(
        remedy: "Lockstep was built without MPI. Install Open MPI (libopenmpi-dev) and build with "
          + "the package trait MPI, which is on unless --disable-default-traits or a dependency's "
          + "traits: [] turns it off; or start one process without a launcher.")
    #endif
  }
}
