import TestSupport
import Testing

/// Tests that run `lockstep` as a user does. One at a time: their ranks outnumber processors already.
@Suite(.serialized, .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
struct CommandLineTests {}
