// What a processor's arithmetic can do at most: the loops that a speed of products is compared with.
#ifndef CKERNELS_PEAK_H
#define CKERNELS_PEAK_H

#include <stdint.h>

#include "CKernels_matrixProduct.h"

/// Computes with the instructions that products in this format use here, in registers only and nothing
/// waiting for anything: no product is faster. Single-precision multiply-adds, more at a time than the
/// units of any processor take.
///
/// - rounds: How often the loop is run. One takes less than a microsecond where there are fused
///   multiply-adds.
/// - sum: Read before and written after, so that nothing can be left out. From zero on it stays small.
///
/// Returns the number of floating-point operations: two for a multiplication and its addition.
int64_t CKernels_peak(CKernels_Format format, int64_t rounds, float *sum);

/// CKernels_peak by one of CKernels_matrixProductVersions(): for tests.
int64_t CKernels_peakByVersion(int version, CKernels_Format format, int64_t rounds, float *sum);

/// The instructions that products in this format use here, in words.
const char *CKernels_productInstructions(CKernels_Format format);

#endif
