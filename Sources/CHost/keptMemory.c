// Memory that outlives the processes that fill it: another process makes it and hands it over a socket.
#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

// How long one side waits for the other within a request. Who asks for memory waits longer, see KeptMemory.swift.
enum { PATIENCE_SECONDS = 10 };

// A name without a file: gone with its socket, and each network has names of its own.
static int address(const char *name, struct sockaddr_un *address, socklen_t *length) {
  size_t count = strlen(name);
  if (count + 1 > sizeof address->sun_path) return ENAMETOOLONG;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path + 1, name, count);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + count);
  return 0;
}

// Such names have no permissions: whoever is at the other end must be the same user.
static int prepare(int descriptor) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return errno;
  if (peer.uid != geteuid()) return EPERM;
  struct timeval patience = {PATIENCE_SECONDS, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return 0;
}

static int opened(int32_t *descriptor) {
  *descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return *descriptor < 0 ? errno : 0;
}

static int closed(int32_t *descriptor, int code) {
  if (code != 0) {
    close(*descriptor);
    *descriptor = -1;
  }
  return code;
}

int CHost_listenByName(const char *name, int32_t *listener) {
  struct sockaddr_un place;
  socklen_t length = 0;
  int code = address(name, &place, &length);
  if (code != 0) return code;
  if ((code = opened(listener)) != 0) return code;
  if (bind(*listener, (struct sockaddr *)&place, length) != 0 || listen(*listener, 128) != 0) {
    code = errno;
  }
  return closed(listener, code);
}

int CHost_acceptOwn(int32_t listener, int32_t *connection) {
  do *connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  while (*connection < 0 && errno == EINTR);
  if (*connection < 0) return errno;
  return closed(connection, prepare(*connection));
}

int CHost_connectByName(const char *name, int32_t *connection) {
  struct sockaddr_un place;
  socklen_t length = 0;
  int code = address(name, &place, &length);
  if (code != 0) return code;
  if ((code = opened(connection)) != 0) return code;
  if (connect(*connection, (struct sockaddr *)&place, length) != 0) {
    code = errno;
  } else {
    code = prepare(*connection);
  }
  return closed(connection, code);
}

typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
} Control;

int CHost_sendWords(
    int32_t connection, const uint64_t *words, int64_t count, int32_t descriptor) {
  struct iovec part = {(void *)words, (size_t)count * sizeof *words};
  Control control = {0};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    int passed = descriptor;
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
  }
  ssize_t sent;
  do sent = sendmsg(connection, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

int CHost_receiveWords(
    int32_t connection, uint64_t *words, int64_t count, int32_t *descriptor) {
  struct iovec part = {words, (size_t)count * sizeof *words};
  Control control = {0};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
      .msg_controllen = sizeof control.bytes};
  *descriptor = -1;
  ssize_t received;
  do received = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return errno;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int passed = -1;
    memcpy(&passed, CMSG_DATA(header), sizeof passed);
    *descriptor = passed;
  }
  if ((size_t)received == part.iov_len) return 0;
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
  return received == 0 ? ECONNRESET : EPROTO;
}

uint64_t CHost_loadWord(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

void CHost_storeWord(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}
