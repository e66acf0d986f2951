// Only the build flags of Open MPI: mpi.h is included by CMPI's C files alone, since its macros
// (MPI_COMM_WORLD, MPI_FLOAT) cannot be seen from Swift.
