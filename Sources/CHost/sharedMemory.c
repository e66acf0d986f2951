#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// Room for "/dev/shm/lockstep-PID-SERIAL" and "/proc/PID/fd/DESCRIPTOR".
#define PATH_CAPACITY 80

static void file_path(const CHost_SegmentName *name, char path[PATH_CAPACITY]) {
  snprintf(
      path, PATH_CAPACITY, "/dev/shm/lockstep-%d-%llx", name->processID,
      (unsigned long long)name->serial);
}

int CHost_makeSegment(
    int64_t byteCount, int32_t asFile, uint64_t serial, CHost_SegmentName *name,
    int32_t *descriptor) {
  *name = (CHost_SegmentName){byteCount, (int32_t)getpid(), -1, serial};
  *descriptor = -1;
  if (byteCount == 0) return 0;
  char path[PATH_CAPACITY];
  file_path(name, path);
  int made = asFile ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                    : memfd_create("lockstep", MFD_CLOEXEC);
  if (made < 0) return errno;
  // Reserves the pages: without it a full file system is a SIGBUS at the first touch.
  int code = 0;
  do code = fallocate(made, 0, 0, byteCount) == 0 ? 0 : errno;
  while (code == EINTR);
  if (code != 0) {
    close(made);
    if (asFile) unlink(path);
    return code;
  }
  if (!asFile) name->descriptor = made;
  *descriptor = made;
  return 0;
}

int CHost_makeMemoryFile(int32_t *descriptor) {
  *descriptor = memfd_create("lockstep", MFD_CLOEXEC);
  return *descriptor < 0 ? errno : 0;
}

int CHost_openSegment(const CHost_SegmentName *name, int32_t *descriptor) {
  char path[PATH_CAPACITY];
  if (name->descriptor < 0) {
    file_path(name, path);
  } else {
    snprintf(path, sizeof path, "/proc/%d/fd/%d", name->processID, name->descriptor);
  }
  *descriptor = open(path, O_RDWR | O_CLOEXEC);
  return *descriptor < 0 ? errno : 0;
}

int CHost_mapSegment(int32_t descriptor, int64_t byteCount, int32_t populate, void **base) {
  int flags = MAP_SHARED | (populate ? MAP_POPULATE : 0);
  void *mapped = mmap(NULL, (size_t)byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (mapped == MAP_FAILED) return errno;
  *base = mapped;
  return 0;
}

void CHost_unlinkSegment(const CHost_SegmentName *name) {
  if (name->byteCount == 0 || name->descriptor >= 0) return;
  char path[PATH_CAPACITY];
  file_path(name, path);
  unlink(path);
}

int CHost_mapPrivate(int64_t byteCount, void **base) {
  void *mapped = mmap(
      NULL, (size_t)byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return errno;
  // Only a wish: a refusal changes nothing but speed.
  madvise(mapped, (size_t)byteCount, MADV_HUGEPAGE);
  *base = mapped;
  return 0;
}

void CHost_unmap(void *base, int64_t byteCount) { munmap(base, (size_t)byteCount); }

int64_t CHost_sharedMemoryFree(void) {
  struct statvfs status;
  if (statvfs("/dev/shm", &status) != 0) return -1;
  return CHost_blockBytes(status.f_bavail, status.f_frsize);
}

int64_t CHost_blockBytes(uint64_t blocks, uint64_t blockSize) {
  int64_t bytes;
  return __builtin_mul_overflow(blocks, blockSize, &bytes) ? -1 : bytes;
}

// Not FUTEX_PRIVATE: sleeper and waker may be different processes.
void CHost_sleepWhileEqual(const void *word, uint32_t expected, int64_t nanoseconds) {
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  syscall(SYS_futex, word, FUTEX_WAIT, expected, &limit, NULL, 0);
}

void CHost_wakeAll(const void *word) {
  syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
