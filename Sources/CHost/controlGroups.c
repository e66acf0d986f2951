#define _GNU_SOURCE
#include "controlGroups.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

int64_t CHost_numberIn(const char *folder, const char *name, const char *word) {
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

/// The least of a group and of all above it. A path that is not below the mount, as of a host seen from a
/// container, leaves what is at the mount itself.
static int64_t least_above(
    const char *mount, const char *group, int version, CHost_GroupMeasure measure) {
  char folder[PATH_MAX];
  size_t start = strlen(mount);
  if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder) return INT64_MAX;
  int64_t least = INT64_MAX;
  for (;;) {
    int64_t value = measure(folder, version);
    if (value < least) least = value;
    char *slash = strrchr(folder, '/');
    if (slash == NULL || (size_t)(slash - folder) < start) return least;
    *slash = 0;
  }
}

/// Whether a list such as "cpu,cpuacct" names a controller.
static int names(const char *list, const char *controller) {
  size_t length = strlen(controller);
  for (const char *word = list; word != NULL;) {
    const char *end = strchr(word, ',');
    if (strncmp(word, controller, length) == 0
        && (word[length] == 0 || word + length == end)) return 1;
    word = end == NULL ? NULL : end + 1;
  }
  return 0;
}

int64_t CHost_leastInGroups(
    const char *processes, const char *groups, const char *controller,
    CHost_GroupMeasure measure) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/self/cgroup", processes);
  FILE *file = fopen(path, "re");
  if (file == NULL) return INT64_MAX;
  int64_t least = INT64_MAX;
  // "0::/group" of version 2, "4:memory:/group" of version 1; cgroups(7).
  char line[PATH_MAX];
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL) continue;
    *group++ = 0;
    controllers++;
    int64_t value = INT64_MAX;
    if (*controllers == 0) {
      value = least_above(groups, group, 2, measure);
    } else if (names(controllers, controller)) {
      char mount[PATH_MAX];
      if (snprintf(mount, sizeof mount, "%s/%s", groups, controller) >= (int)sizeof mount) continue;
      value = least_above(mount, group, 1, measure);
    }
    if (value < least) least = value;
  }
  fclose(file);
  return least;
}
