#define _GNU_SOURCE
#include "CHost.h"
#include "controlGroups.h"

#include <limits.h>
#include <stdio.h>

/// Time that a group may use in each period, in processors, begun ones counted; INT64_MAX: any.
///
/// Source: the kernel's admin-guide/cgroup-v2.rst, "cpu.max", and scheduler/sched-bwc.rst. A group of
/// version 1 without a quota has -1.
static int64_t quota_of_group(const char *folder, int version) {
  int64_t quota = -1, period = -1;
  if (version == 2) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/cpu.max", folder) >= (int)sizeof path) return INT64_MAX;
    FILE *file = fopen(path, "re");
    if (file == NULL) return INT64_MAX;
    long long both[2];
    if (fscanf(file, "%lld %lld", &both[0], &both[1]) == 2) (quota = both[0], period = both[1]);
    fclose(file);
  } else {
    quota = CHost_numberIn(folder, "cpu.cfs_quota_us", "");
    period = CHost_numberIn(folder, "cpu.cfs_period_us", "");
  }
  if (quota <= 0 || period <= 0) return INT64_MAX;
  return quota / period + (quota % period > 0);
}

int64_t CHost_processorQuota(const char *processes, const char *groups) {
  return CHost_leastInGroups(processes, groups, "cpu", quota_of_group);
}
