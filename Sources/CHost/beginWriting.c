// sync_file_range is declared for _GNU_SOURCE only, which Swift's Glibc module does not set.
#define _GNU_SOURCE

#include <fcntl.h>

#include "CHost.h"

void CHost_beginWriting(int32_t descriptor, int64_t offset, int64_t byteCount) {
  (void)sync_file_range(descriptor, offset, byteCount, SYNC_FILE_RANGE_WRITE);
}
