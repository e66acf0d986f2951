// Memory shared by the processes of one host, and sleeping on a word of it.
//
// Why not MPI_Win_allocate_shared: its segments are files in /dev/shm, which Docker limits to
// 64 MB; a segment that does not fit kills the process with SIGBUS at its first touch; and a killed
// job leaves the file behind. A segment here is anonymous (memfd_create): no name, no limit but
// memory, gone with its last process, and its pages are reserved when it is made, so that lack of
// space is an error code. Peers open it through /proc. Where that is forbidden (each rank in a user
// namespace of its own) a file in /dev/shm serves instead, unlinked once all have opened it.
//
// The shim exists because Swift's Glibc module offers neither memfd_create nor futex.
#ifndef CHOST_H
#define CHOST_H

#include <stdint.h>

/// What a peer needs to open a segment. Plain bytes, so that it can be sent.
typedef struct CHost_SegmentName {
  /// Bytes of memory; 0 for an empty segment, which is never opened.
  int64_t byteCount;
  int32_t processID;
  /// In the process that made it; -1 for a file in /dev/shm.
  int32_t descriptor;
  /// Tells apart the files of one process.
  uint64_t serial;
} CHost_SegmentName;
_Static_assert(sizeof(CHost_SegmentName) == 24, "sent between processes as three words");

/// Makes a segment, anonymous or as a file, with all its pages reserved and zero.
/// Returns 0 or errno; `*descriptor` is the maker's own, to be mapped and then closed.
int CHost_makeSegment(
    int64_t byteCount, int32_t asFile, uint64_t serial, CHost_SegmentName *name,
    int32_t *descriptor);
/// Opens a peer's segment. Returns 0 or errno.
int CHost_openSegment(const CHost_SegmentName *name, int32_t *descriptor);
/// Maps `byteCount` bytes; pages are entered into the page table now if `populate`.
int CHost_mapSegment(int32_t descriptor, int64_t byteCount, int32_t populate, void **base);
/// Makes an empty file in memory, without a name and for this process alone. Returns 0 or errno.
int CHost_makeMemoryFile(int32_t *descriptor);
/// Removes the file of a segment made with `asFile`. Anonymous segments have none.
void CHost_unlinkSegment(const CHost_SegmentName *name);
/// Private zeroed memory on page borders, in huge pages where the system allows.
int CHost_mapPrivate(int64_t byteCount, void **base);
void CHost_unmap(void *base, int64_t byteCount);
/// Free bytes in /dev/shm, or -1.
int64_t CHost_sharedMemoryFree(void);
/// Bytes of so many blocks, as statvfs counts them, or -1 where that is more than can be counted: file systems without a
/// limit report numbers near 2^64.
int64_t CHost_blockBytes(uint64_t blocks, uint64_t blockSize);
/// Bytes this process may still use: what the kernel calls available, at most what is left below the
/// limits of its control group and of those above it. Returns 0 or errno.
/// `processes` is /proc and `groups` /sys/fs/cgroup, but in tests.
int CHost_memoryAvailable(const char *processes, const char *groups, int64_t *byteCount);
/// How many processors' worth of time this process may use, begun ones counted: the least that its
/// control group and those above it allow; INT64_MAX: as much as there is. Arguments as above.
int64_t CHost_processorQuota(const char *processes, const char *groups);

/// Lets the disk begin with bytes of a file that were written, instead of waiting for fsync. Advice only.
void CHost_beginWriting(int32_t descriptor, int64_t offset, int64_t byteCount);

/// Tells the processor that this is a loop that waits for memory: some 40 to 140 cycles.
static inline void CHost_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

// MARK: The watch over ranks (ProcessWatch.swift)

/// What one rank of a job does, as its process writes it for the others to see. It lies in memory that a
/// host shares, and travels between hosts as it is.
typedef struct CHost_WatchRow {
  /// The number of its process, and a count that a thread of it raises a few times a second.
  uint32_t process, beat;
  /// Which group of ranks it meets with, and how often it has met.
  uint32_t group, meeting;
  /// The last collective that it came to.
  uint32_t kind;
  int32_t root;
  int64_t byteCount, step;
  /// Milliseconds of CHost_milliseconds: since when it waits or, if it does not, since when it goes on.
  int64_t since;
  uint32_t isWaiting, activity;
  /// Whether it has written down what it does, since the job is to end.
  uint32_t hasRecorded;
  /// Of the process's first thread, as /proc has it: a letter, or 0 where it is not known.
  uint32_t state;
} CHost_WatchRow;
_Static_assert(sizeof(CHost_WatchRow) == 64, "rows are sent between hosts");

/// A clock that only goes forward, the same for all processes of a host.
int64_t CHost_milliseconds(void);
/// The rank comes to a collective and waits.
void CHost_watchEnter(
    CHost_WatchRow *row, uint32_t group, uint32_t meeting, uint32_t kind, int32_t root,
    int64_t byteCount, int64_t step, int64_t now);
void CHost_watchLeave(CHost_WatchRow *row, int64_t now);
void CHost_watchBeat(CHost_WatchRow *row);
void CHost_watchActivity(CHost_WatchRow *row, uint32_t activity);
void CHost_watchRecorded(CHost_WatchRow *row);
/// Raises a word that processes share, and says whether this call did it; and reads it.
int CHost_raiseFlag(uint32_t *flag);
uint32_t CHost_flag(const uint32_t *flag);
/// Copies a row while its rank goes on writing: fields may be of different moments.
CHost_WatchRow CHost_watchRow(const CHost_WatchRow *row);
/// The letter of /proc/PROCESS/stat: X where there is no such process, 0 where that can not be known.
uint32_t CHost_processState(int32_t process);

/// A socket for datagrams on a port of the system's choice; -1 where there is none.
int CHost_datagramSocket(uint16_t *port);
/// This host's IPv4 addresses, without loopback; returns how many.
int CHost_addresses(uint32_t *addresses, int capacity);
/// What tells machines and their networks apart.
uint64_t CHost_networkIdentity(void);
void CHost_sendDatagram(int descriptor, uint32_t address, uint16_t port, const void *bytes, int64_t count);
/// Returns the length of a datagram that has come, or -1. Never waits.
int64_t CHost_receiveDatagram(int descriptor, void *bytes, int64_t capacity);

/// Gets ready to ask threads for their stacks: takes the signal SIGRTMIN + 7.
void CHost_prepareStacks(void);
/// Writes the stack of every thread of this process but the calling one.
void CHost_writeStacks(int descriptor);

/// Starts a process that waits until the launcher of this one (mpirun, or Open MPI's daemon on a host) has
/// ended and, if it has not after `milliseconds`, ends it: one that can not reach all of its daemons waits
/// for them for ever. Does nothing under other launchers.
void CHost_endLauncherLater(int64_t milliseconds);

// MARK: Signals (SignalListener.swift)

/// Signals that are caught for one thread, which waits for them.
typedef struct CHost_CaughtSignals CHost_CaughtSignals;
/// Catches signals from now on; NULL where there is no memory. Whoever catches a signal last is told of it.
CHost_CaughtSignals *CHost_catchSignals(const int32_t *numbers, int32_t count);
/// Waits for one of them. Returns 0 when they are released; the memory is gone then.
int32_t CHost_awaitSignal(CHost_CaughtSignals *caught);
/// Does at each signal what was done before. Those who catch the same signals release them in the opposite order.
void CHost_releaseSignals(CHost_CaughtSignals *caught);

// MARK: Memory that a process keeps for others (KeptMemory.swift)

/// A socket by a name that is no file: it goes with the process, and hosts that are namespaces of one
/// machine have names of their own. Returns 0 or errno.
int CHost_listenByName(const char *name, int32_t *listener);
/// Waits for someone; EPERM for a process of another user.
int CHost_acceptOwn(int32_t listener, int32_t *connection);
/// EPERM where a process of another user listens.
int CHost_connectByName(const char *name, int32_t *connection);
/// Sends words, and an open file with them unless `descriptor` is -1.
int CHost_sendWords(
    int32_t connection, const uint64_t *words, int64_t count, int32_t descriptor);
/// Receives as many words; `*descriptor` becomes the caller's, or -1 where none came.
int CHost_receiveWords(
    int32_t connection, uint64_t *words, int64_t count, int32_t *descriptor);
/// A word that another process may read: what was written before it is seen with it.
uint64_t CHost_loadWord(const uint64_t *word);
void CHost_storeWord(uint64_t *word, uint64_t value);

/// The version of the C library that this process runs with.
const char *CHost_libraryVersion(void);

/// Sleeps while `*word == expected`, at most `nanoseconds`. May wake early.
void CHost_sleepWhileEqual(const void *word, uint32_t expected, int64_t nanoseconds);
/// Wakes all that sleep on the word, in any process.
void CHost_wakeAll(const void *word);

#endif
