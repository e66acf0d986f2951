#define _GNU_SOURCE
#include "CMPI.h"

// Defined by Package.swift with the package trait MPI. SwiftPM compiles all files of a package.
#ifdef CMPI_HAS_MPI

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(MPI_Comm) <= sizeof(intptr_t), "an MPI_Comm must fit its handle");
_Static_assert(sizeof(MPI_Request) == sizeof(CMPI_Request), "requests are passed as arrays");

/// MPI 3 counts are int: longer vectors go in pieces of this many bytes.
#define PIECE_BYTES ((int64_t)1 << 30)
/// Messages travel in parts of this many bytes, all under way at once.
#define PART_BYTES ((int64_t)1 << 18)
/// Of longer messages the sender learns when they were taken in: see CMPI_startSend.
#define UNHEEDED_BYTES ((int64_t)1 << 15)
/// What Open MPI sends over TCP without asking first: a part, with room for what it writes before it.
#define EAGER_BYTES "278528"
/// Messages of one pair match in the order they are started, so one tag is enough.
#define TAG 7

static MPI_Comm comm_of(CMPI_Communicator communicator) {
  MPI_Comm comm;
  memcpy(&comm, &communicator.handle, sizeof comm);
  return comm;
}

static CMPI_Communicator from_comm(MPI_Comm comm) {
  CMPI_Communicator communicator = {0};
  memcpy(&communicator.handle, &comm, sizeof comm);
  return communicator;
}

/// Sets an Open MPI parameter unless the user did. Other MPIs ignore it.
static void prefer(const char *parameter, const char *value) { setenv(parameter, value, 0); }

/// Open MPI copies large local messages with process_vm_readv. Containers often forbid the call,
/// and Open MPI then complains at every message instead of choosing the other way.
static int can_read_other_processes(void) {
  char from = 1, to = 0;
  struct iovec local = {&to, 1}, remote = {&from, 1};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

int CMPI_initialize(int32_t *threadLevelSuffices) {
  // Ranks may outnumber cores: blocking calls yield the processor.
  prefer("OMPI_MCA_mpi_yield_when_idle", "1");
  if (!can_read_other_processes()) prefer("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
  // Over TCP, Open MPI asks the receiver before each message of 64 KiB or more, and cuts it into
  // pieces that both sides have to attend to: on a slow link that leaves a quarter of the time unused.
  prefer("OMPI_MCA_btl_tcp_eager_limit", EAGER_BYTES);
  prefer("OMPI_MCA_btl_tcp_rndv_eager_limit", EAGER_BYTES);
  prefer("OMPI_MCA_btl_tcp_max_send_size", EAGER_BYTES);
  // An error of Lockstep's is the last that the user reads, not Open MPI's words about it.
  prefer("OMPI_MCA_orte_execute_quiet", "1");
  int provided = MPI_THREAD_SINGLE;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
  *threadLevelSuffices = provided >= MPI_THREAD_SERIALIZED;
  return code;
}

int CMPI_finalize(void) { return MPI_Finalize(); }

void CMPI_abort(int32_t exitCode) {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  if (initialized && !finalized) MPI_Abort(MPI_COMM_WORLD, exitCode);
}

int CMPI_duplicateWorld(CMPI_Communicator *duplicate) {
  MPI_Comm comm = MPI_COMM_NULL;
  int code = MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  *duplicate = from_comm(comm);
  return code;
}

// Communicators inherit the error handler of the one they are split from.
int CMPI_split(CMPI_Communicator parent, int32_t color, int32_t key, CMPI_Communicator *part) {
  MPI_Comm comm = MPI_COMM_NULL;
  int code = MPI_Comm_split(comm_of(parent), color, key, &comm);
  *part = from_comm(comm);
  return code;
}

int CMPI_splitByHost(CMPI_Communicator parent, CMPI_Communicator *host) {
  MPI_Comm comm = MPI_COMM_NULL;
  int code = MPI_Comm_split_type(comm_of(parent), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm);
  *host = from_comm(comm);
  return code;
}

int CMPI_free(CMPI_Communicator *communicator) {
  MPI_Comm comm = comm_of(*communicator);
  int code = MPI_Comm_free(&comm);
  *communicator = from_comm(comm);
  return code;
}

int CMPI_rank(CMPI_Communicator communicator, int32_t *rank) {
  return MPI_Comm_rank(comm_of(communicator), rank);
}

int CMPI_size(CMPI_Communicator communicator, int32_t *size) {
  return MPI_Comm_size(comm_of(communicator), size);
}

int CMPI_allGather(
    CMPI_Communicator communicator, const void *mine, int64_t byteCount, void *all) {
  if (byteCount > PIECE_BYTES) return MPI_ERR_COUNT;
  return MPI_Allgather(
      mine, (int)byteCount, MPI_BYTE, all, (int)byteCount, MPI_BYTE, comm_of(communicator));
}

int64_t CMPI_requestCount(int64_t byteCount) {
  return (byteCount + PART_BYTES - 1) / PART_BYTES;
}

static int64_t part_bytes(int64_t byteCount, int64_t start) {
  return byteCount - start < PART_BYTES ? byteCount - start : PART_BYTES;
}

int CMPI_startSend(
    CMPI_Communicator communicator, const void *bytes, int64_t byteCount, int32_t destination,
    CMPI_Request *requests) {
  MPI_Comm comm = comm_of(communicator);
  // Parts are small enough to be sent without asking. A synchronous send ends when the receiver has
  // matched it, so a fast sender can not fill the memory of a slow receiver.
  int isHeeded = byteCount > UNHEEDED_BYTES;
  for (int64_t start = 0, i = 0; start < byteCount; start += PART_BYTES, i++) {
    const char *part = (const char *)bytes + start;
    int count = (int)part_bytes(byteCount, start);
    MPI_Request *request = (MPI_Request *)&requests[i];
    int code = isHeeded ? MPI_Issend(part, count, MPI_BYTE, destination, TAG, comm, request)
                        : MPI_Isend(part, count, MPI_BYTE, destination, TAG, comm, request);
    if (code != MPI_SUCCESS) return code;
  }
  return MPI_SUCCESS;
}

int CMPI_startReceive(
    CMPI_Communicator communicator, void *bytes, int64_t byteCount, int32_t source,
    CMPI_Request *requests) {
  MPI_Comm comm = comm_of(communicator);
  for (int64_t start = 0, i = 0; start < byteCount; start += PART_BYTES, i++) {
    int code = MPI_Irecv(
        (char *)bytes + start, (int)part_bytes(byteCount, start), MPI_BYTE, source, TAG, comm,
        (MPI_Request *)&requests[i]);
    if (code != MPI_SUCCESS) return code;
  }
  return MPI_SUCCESS;
}

int CMPI_test(CMPI_Request *requests, int64_t count, int32_t *complete) {
  return MPI_Testall((int)count, (MPI_Request *)requests, complete, MPI_STATUSES_IGNORE);
}

int CMPI_allReduceSum(CMPI_Communicator communicator, float *values, int64_t count) {
  const int64_t pieceCount = PIECE_BYTES / (int64_t)sizeof(float);
  for (int64_t start = 0; start < count; start += pieceCount) {
    int64_t piece = count - start < pieceCount ? count - start : pieceCount;
    int code = MPI_Allreduce(
        MPI_IN_PLACE, values + start, (int)piece, MPI_FLOAT, MPI_SUM, comm_of(communicator));
    if (code != MPI_SUCCESS) return code;
  }
  return MPI_SUCCESS;
}

void CMPI_describe(int code, char *text, int64_t capacity) {
  char description[MPI_MAX_ERROR_STRING + 1] = "";
  int length = 0;
  if (MPI_Error_string(code, description, &length) != MPI_SUCCESS) length = 0;
  description[length] = 0;
  strncpy(text, description, (size_t)capacity - 1);
  text[capacity - 1] = 0;
}

void CMPI_libraryVersion(char *text, int64_t capacity) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
  int length = 0;
  MPI_Get_library_version(version, &length);
  version[length] = 0;
  strncpy(text, version, (size_t)capacity - 1);
  text[capacity - 1] = 0;
}

#endif
