// What a processor's arithmetic can do at most: the loops that a speed of products is compared with.
#ifndef CKERNELS_PEAK_H
#define CKERNELS_PEAK_H

#include <stdint.h>

#include "CKernels_matrixProduct.h"

/// Computes as products in this format do here, but in registers only, and nothing waiting for anything:
/// no product is faster. Tile products in bfloat16 where there is AMX; else, in bfloat16 too, single-precision
/// multiply-adds, more at a time than the units of any processor take.
///
/// - rounds: How often the loop is run. One takes some nanoseconds.
/// - sum: Read before and written after, so that nothing can be left out. From zero on it stays small.
///
/// Returns the number of floating-point operations: two for a multiplication and its addition.
int64_t CKernels_peak(CKernels_Format format, int64_t rounds, float *sum);

/// CKernels_peak of one of the versions of products, see CKernels_matrixProductVersions: for tests.
int64_t CKernels_peakByVersion(int version, int64_t rounds, float *sum);

#endif
