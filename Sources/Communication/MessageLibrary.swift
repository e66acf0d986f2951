/// What the processes of a job talk to each other by, from the first collective to the last.
public protocol CommunicationSession: AnyObject {
  /// All ranks of the job.
  var communicator: any Communicator { get }

  /// Ends communication when all ranks have come here. Collective, and the last one.
  ///
  /// - Parameter beginEnd: Called when they have: from then on nobody watches over the ranks.
  func finish(whenAllHaveCome beginEnd: () -> Void) throws

  /// The same where the processes then end with `exitCode`, which is not 0, and what the user reads last
  /// is to be Lockstep's own: does not return where the launcher would add words of its own.
  func finish(exitCode: Int32, whenAllHaveCome beginEnd: () -> Void) throws
}

/// The library by which processes that a launcher started become ranks of one group.
///
/// MPI's is `MessageLibrary.mpi`, in the module LockstepMPICommunication. Nothing else knows MPI: what
/// trains is given an `any Communicator`, and builds where there is no MPI.
public enum MessageLibrary: Sendable {
  /// - Parameters:
  ///   - version: Name and version, e.g. "Open MPI v4.1.4".
  ///   - begin: Makes this process a rank. Collective over all processes of the job; once in a
  ///     process.
  case present(version: String, begin: @Sendable () throws -> any CommunicationSession)
  /// - Parameter remedy: What to do in order to have one: a sentence.
  case absent(remedy: String)

  /// For programs that are one process, however they are started.
  public static let oneProcess = MessageLibrary.absent(
    remedy: "Start it without a launcher, or let it say Launch.run(over: .mpi), of the module "
      + "LockstepMPICommunication.")

  /// Name and version; nil where there is none.
  public var version: String? {
    switch self {
    case .present(let version, _): version
    case .absent: nil
    }
  }
}
