#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/// The number behind a word at the start of a line, or the first of the file where the word is empty;
/// -1 where there is none. A group without a limit says "max", which is no number.
static int64_t number_in(const char *folder, const char *name, const char *word) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return -1;
  FILE *file = fopen(path, "re");
  if (file == NULL) return -1;
  char line[256];
  long long number = -1;
  size_t length = strlen(word);
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, word, length) != 0) continue;
    if (sscanf(line + length, " %lld", &number) != 1) number = -1;
    break;
  }
  fclose(file);
  return number;
}

/// The files of a control group that say what it may use and uses.
typedef struct {
  const char *limit, *usage, *inactive, *active;
} GroupFiles;

/// Source: the kernel's admin-guide/cgroup-v2.rst, "Memory Interface Files".
static const GroupFiles version2 = {
    "memory.max", "memory.current", "inactive_file", "active_file"};
/// Source: the kernel's admin-guide/cgroup-v1/memory.rst. A group without a limit has one near 2^63.
static const GroupFiles version1 = {
    "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file"};

/// What a group can still use: its limit less what it uses, file pages not counted, which the kernel
/// takes back when it needs them. INT64_MAX: it has no limit.
static int64_t left_in_group(const char *folder, const GroupFiles *files) {
  int64_t limit = number_in(folder, files->limit, "");
  if (limit < 0) return INT64_MAX;
  int64_t used = number_in(folder, files->usage, "");
  int64_t inactive = number_in(folder, "memory.stat", files->inactive);
  int64_t active = number_in(folder, "memory.stat", files->active);
  if (used < 0) return limit;
  if (inactive > 0) used -= inactive;
  if (active > 0) used -= active;
  if (used < 0) used = 0;
  return used < limit ? limit - used : 0;
}

/// The least that is left in a group and in all above it: Slurm and systemd nest them, and the limit
/// may stand at any height. A path that is not below the mount, as of a host seen from a container,
/// leaves what is at the mount itself.
static int64_t left_in_groups(const char *mount, const char *group, const GroupFiles *files) {
  char folder[PATH_MAX];
  size_t start = strlen(mount);
  if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder) return INT64_MAX;
  int64_t least = INT64_MAX;
  for (;;) {
    int64_t left = left_in_group(folder, files);
    if (left < least) least = left;
    char *slash = strrchr(folder, '/');
    if (slash == NULL || (size_t)(slash - folder) < start) return least;
    *slash = 0;
  }
}

/// Whether a list such as "cpu,memory" names memory.
static int names_memory(const char *controllers) {
  const char *found = strstr(controllers, "memory");
  return found != NULL && (found == controllers || found[-1] == ',')
      && (found[6] == 0 || found[6] == ',');
}

int CHost_memoryAvailable(const char *processes, const char *groups, int64_t *byteCount) {
  int64_t kibibytes = number_in(processes, "meminfo", "MemAvailable:");
  if (kibibytes < 0) return ENOENT;
  *byteCount = kibibytes * 1024;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/self/cgroup", processes);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  // "0::/group" of version 2, "4:memory:/group" of version 1; cgroups(7).
  char line[PATH_MAX];
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL) continue;
    *group++ = 0;
    controllers++;
    int64_t left = INT64_MAX;
    if (*controllers == 0) {
      left = left_in_groups(groups, group, &version2);
    } else if (names_memory(controllers)) {
      char mount[PATH_MAX];
      if (snprintf(mount, sizeof mount, "%s/memory", groups) >= (int)sizeof mount) continue;
      left = left_in_groups(mount, group, &version1);
    }
    if (left < *byteCount) *byteCount = left;
  }
  fclose(file);
  return 0;
}
