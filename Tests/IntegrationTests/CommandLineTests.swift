import TestSupport
import Testing

/// Tests that run `lockstep` as a user does: every command but those of `TrainedRunTests`.
///
/// One at a time, since their ranks outnumber processors already; the two suites beside each other,
/// since a rank often waits.
@Suite(.serialized, .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
struct CommandLineTests {}

/// Tests of whole runs, as a user starts them: what they come to, and what stops them.
@Suite(.serialized, .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
struct TrainedRunTests {}
