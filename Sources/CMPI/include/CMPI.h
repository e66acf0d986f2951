// The C seam of MPICommunication.
//
// Swift cannot see mpi.h: MPI_COMM_WORLD, MPI_FLOAT and MPI_STATUS_IGNORE are casts inside macros.
// Each function here wraps one or two MPI calls, hides handles behind plain integers, takes 64-bit
// counts, and returns MPI's own code (0 is success) so that Swift can throw it with its text.
// It can go when Swift imports such macros.
//
// Without the package trait MPI nothing of this is there, and nothing calls it.
#ifndef CMPI_H
#define CMPI_H

#include <stdint.h>

/// An MPI_Comm, whatever its type in this MPI.
typedef struct CMPI_Communicator {
  intptr_t handle;
} CMPI_Communicator;

/// An MPI_Request, whatever its type in this MPI: an Int in Swift.
typedef intptr_t CMPI_Request;

/// Initialises MPI so that one thread at a time may call it (MPI_THREAD_SERIALIZED).
/// `threadLevelSuffices` becomes 0 when this MPI only offers less.
int CMPI_initialize(int32_t *threadLevelSuffices);
int CMPI_finalize(void);

/// Ends every process of the job. Returns only if MPI cannot even do that.
void CMPI_abort(int32_t exitCode);

/// Duplicates the world with MPI_ERRORS_RETURN; without it errors never arrive as codes.
int CMPI_duplicateWorld(CMPI_Communicator *duplicate);
int CMPI_split(CMPI_Communicator parent, int32_t color, int32_t key, CMPI_Communicator *part);
/// The ranks that can share memory with this one.
int CMPI_splitByHost(CMPI_Communicator parent, CMPI_Communicator *host);
int CMPI_free(CMPI_Communicator *communicator);
int CMPI_rank(CMPI_Communicator communicator, int32_t *rank);
int CMPI_size(CMPI_Communicator communicator, int32_t *size);

/// Blocking, for set-up: `all` receives `byteCount` bytes of each rank, in rank order.
int CMPI_allGather(
    CMPI_Communicator communicator, const void *mine, int64_t byteCount, void *all);

/// How many requests a message of `byteCount` bytes takes: one for each part of it.
int64_t CMPI_requestCount(int64_t byteCount);
/// Start a message of any length. `requests` has room for CMPI_requestCount(byteCount).
int CMPI_startSend(
    CMPI_Communicator communicator, const void *bytes, int64_t byteCount, int32_t destination,
    CMPI_Request *requests);
int CMPI_startReceive(
    CMPI_Communicator communicator, void *bytes, int64_t byteCount, int32_t source,
    CMPI_Request *requests);
/// Makes progress; `complete` becomes 1 once all `count` requests are.
int CMPI_test(CMPI_Request *requests, int64_t count, int32_t *complete);

/// Blocking MPI_Allreduce in place; the order of the sum is MPI's own.
int CMPI_allReduceSum(CMPI_Communicator communicator, float *values, int64_t count);

/// MPI's text for a code, always terminated.
void CMPI_describe(int code, char *text, int64_t capacity);
/// The library's name and version, e.g. "Open MPI v4.1.4".
void CMPI_libraryVersion(char *text, int64_t capacity);

#endif
