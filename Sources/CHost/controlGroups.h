// The control groups of this process: Slurm, systemd and containers nest them, and a limit may stand at any
// height.
#ifndef CHOST_CONTROL_GROUPS_H
#define CHOST_CONTROL_GROUPS_H

#include <stdint.h>

/// The number behind a word at the start of a line, or the first of the file where the word is empty;
/// -1 where there is none. A group without a limit says "max", which is no number.
int64_t CHost_numberIn(const char *folder, const char *name, const char *word);

/// What a group's limit leaves, by the files in its folder; INT64_MAX: it has no limit.
typedef int64_t (*CHost_GroupMeasure)(const char *folder, int version);

/// The least that the groups of this process, and those above them, leave of what a controller governs;
/// INT64_MAX: there is no limit.
int64_t CHost_leastInGroups(
    const char *processes, const char *groups, const char *controller, CHost_GroupMeasure measure);

#endif
