#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Of Linux 5.9, and not in all headers.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/// What /proc/PROCESS/stat says: the name, the parent, and when the process began. Returns 0 or -1.
static int read_process(pid_t process, char name[32], pid_t *parent, unsigned long long *begin) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return -1;
  text[count] = 0;
  char *open_mark = strchr(text, '('), *close_mark = strrchr(text, ')');
  if (!open_mark || !close_mark || close_mark < open_mark) return -1;
  size_t length = (size_t)(close_mark - open_mark - 1);
  if (length > 31) length = 31;
  memcpy(name, open_mark + 1, length);
  name[length] = 0;
  // Fields from the third: the parent is the fourth, the beginning the twenty-second.
  int field = 2;
  for (char *next = strtok(close_mark + 1, " "); next; next = strtok(NULL, " ")) {
    field++;
    if (field == 3 && *next == 'Z') return -1;  // It has ended, and nobody asked for how.
    if (field == 4) *parent = (pid_t)atoi(next);
    if (field == 22) *begin = strtoull(next, NULL, 10);
  }
  return field >= 22 ? 0 : -1;
}

static int is_launcher(const char *name) {
  static const char *const names[] = {"mpirun", "mpiexec", "orterun", "prterun", "orted", "prted"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) == 0) return 1;
  }
  return 0;
}

static int still_there(pid_t process, unsigned long long begin) {
  char name[32];
  pid_t parent = 0;
  unsigned long long now = 0;
  return read_process(process, name, &parent, &now) == 0 && now == begin;
}

/// Returns whether the process ended within the time.
static int ends_within(pid_t process, unsigned long long begin, int64_t milliseconds) {
  for (int64_t waited = 0; waited < milliseconds; waited += 100) {
    if (!still_there(process, begin)) return 1;
    struct timespec pause = {0, 100000000};
    nanosleep(&pause, NULL);
  }
  return !still_there(process, begin);
}

static void end_launcher(pid_t launcher, unsigned long long begin, int64_t milliseconds) {
  if (ends_within(launcher, begin, milliseconds)) return;
  // It is giving the job up already. At every other signal it speaks, and at the second it crashes.
  kill(launcher, SIGKILL);
}

void CHost_endLauncherLater(int64_t milliseconds) {
  pid_t launcher = getppid();
  unsigned long long begin = 0;
  for (int i = 0;; i++) {
    char name[32];
    pid_t parent = 0;
    if (i > 8 || launcher <= 1 || read_process(launcher, name, &parent, &begin) != 0) return;
    if (is_launcher(name)) break;
    launcher = parent;  // A script between the launcher and this process.
  }
  pid_t child = fork();
  if (child < 0) return;
  if (child > 0) {
    waitpid(child, NULL, 0);
    return;
  }
  // Out of the launcher's sight, so that it is not ended with the others; and twice removed, so that
  // nobody has to wait for it.
  setsid();
  if (fork() != 0) _exit(0);
  syscall(SYS_close_range, 0u, ~0u, 0u);
  end_launcher(launcher, begin, milliseconds);
  _exit(0);
}
