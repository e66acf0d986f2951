#define _GNU_SOURCE
#include "CHost.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// A row has one writer for what its rank does and one for its beat; whoever reads wants a picture that is
// right within moments, not one that is exact. So every access is atomic and none is ordered.
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

const char *CHost_libraryVersion(void) { return gnu_get_libc_version(); }

int64_t CHost_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void CHost_watchEnter(
    CHost_WatchRow *row, uint32_t group, uint32_t meeting, uint32_t kind, int32_t root,
    int64_t byteCount, int64_t step, int64_t now) {
  STORE(row->group, group);
  STORE(row->meeting, meeting);
  STORE(row->kind, kind);
  STORE(row->root, root);
  STORE(row->byteCount, byteCount);
  STORE(row->step, step);
  STORE(row->since, now);
  STORE(row->isWaiting, 1);
}

void CHost_watchLeave(CHost_WatchRow *row, int64_t now) {
  STORE(row->isWaiting, 0);
  STORE(row->since, now);
}

void CHost_watchBeat(CHost_WatchRow *row) { STORE(row->beat, LOAD(row->beat) + 1); }

void CHost_watchActivity(CHost_WatchRow *row, uint32_t activity) {
  STORE(row->activity, activity);
}

void CHost_watchRecorded(CHost_WatchRow *row) { STORE(row->hasRecorded, 1); }

int CHost_raiseFlag(uint32_t *flag) { return __atomic_exchange_n(flag, 1, __ATOMIC_ACQ_REL) == 0; }

uint32_t CHost_flag(const uint32_t *flag) { return __atomic_load_n(flag, __ATOMIC_ACQUIRE); }

CHost_WatchRow CHost_watchRow(const CHost_WatchRow *row) {
  return (CHost_WatchRow){
      .process = LOAD(row->process), .beat = LOAD(row->beat), .group = LOAD(row->group),
      .meeting = LOAD(row->meeting), .kind = LOAD(row->kind), .root = LOAD(row->root),
      .byteCount = LOAD(row->byteCount), .step = LOAD(row->step), .since = LOAD(row->since),
      .isWaiting = LOAD(row->isWaiting), .activity = LOAD(row->activity),
      .hasRecorded = LOAD(row->hasRecorded), .state = LOAD(row->state)};
}

uint32_t CHost_processState(int32_t process) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? 'X' : 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return count < 0 && errno == ESRCH ? 'X' : 0;
  text[count] = 0;
  // The name before it is in parentheses and may hold some itself.
  const char *end = strrchr(text, ')');
  return end && end[1] == ' ' ? (uint32_t)(unsigned char)end[2] : 0;
}

int CHost_datagramSocket(uint16_t *port) {
  int made = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  if (bind(made, (struct sockaddr *)&address, length) != 0 ||
      getsockname(made, (struct sockaddr *)&address, &length) != 0) {
    close(made);
    return -1;
  }
  *port = ntohs(address.sin_port);
  return made;
}

int CHost_addresses(uint32_t *addresses, int capacity) {
  struct ifaddrs *first = NULL;
  int count = 0;
  if (getifaddrs(&first) != 0) return 0;
  for (struct ifaddrs *each = first; each && count < capacity; each = each->ifa_next) {
    if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET) continue;
    if (!(each->ifa_flags & IFF_UP) || each->ifa_flags & IFF_LOOPBACK) continue;
    addresses[count++] = ((struct sockaddr_in *)each->ifa_addr)->sin_addr.s_addr;
  }
  freeifaddrs(first);
  return count;
}

uint64_t CHost_networkIdentity(void) {
  char text[64] = "";
  int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
  }
  uint64_t hash = 14695981039346656037u;
  for (const char *each = text; *each; each++) hash = (hash ^ (unsigned char)*each) * 1099511628211u;
  struct stat status;
  if (stat("/proc/self/ns/net", &status) == 0) hash = (hash ^ status.st_ino) * 1099511628211u;
  return hash;
}

void CHost_sendDatagram(
    int descriptor, uint32_t address, uint16_t port, const void *bytes, int64_t count) {
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = address};
  // What can not be sent is the same as what does not arrive.
  (void)!sendto(
      descriptor, bytes, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
      sizeof to);
}

int64_t CHost_receiveDatagram(int descriptor, void *bytes, int64_t capacity) {
  return recv(descriptor, bytes, (size_t)capacity, MSG_DONTWAIT);
}
