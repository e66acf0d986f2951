#define _GNU_SOURCE
#include "CHost.h"
#include "controlGroups.h"

#include <errno.h>

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
static int64_t left_in_group(const char *folder, int version) {
  const GroupFiles *files = version == 2 ? &version2 : &version1;
  int64_t limit = CHost_numberIn(folder, files->limit, "");
  if (limit < 0) return INT64_MAX;
  int64_t used = CHost_numberIn(folder, files->usage, "");
  int64_t inactive = CHost_numberIn(folder, "memory.stat", files->inactive);
  int64_t active = CHost_numberIn(folder, "memory.stat", files->active);
  if (used < 0) return limit;
  // One after the other, so that no sum is beyond what can be counted.
  if (inactive > 0) used = inactive < used ? used - inactive : 0;
  if (active > 0) used = active < used ? used - active : 0;
  return used < limit ? limit - used : 0;
}

int CHost_memoryAvailable(const char *processes, const char *groups, int64_t *byteCount) {
  int64_t kibibytes = CHost_numberIn(processes, "meminfo", "MemAvailable:");
  if (kibibytes < 0) return ENOENT;
  int64_t left = CHost_leastInGroups(processes, groups, "memory", left_in_group);
  int64_t free = kibibytes <= INT64_MAX / 1024 ? kibibytes * 1024 : INT64_MAX;
  *byteCount = free < left ? free : left;
  return 0;
}
