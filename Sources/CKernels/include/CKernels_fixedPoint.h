// Numbers in fixed point, whose sums have the same bits in any order: words of 64 bits in two's complement, modulo
// 2^64, in units of 2^-32.
#ifndef CKERNELS_FIXED_POINT_H
#define CKERNELS_FIXED_POINT_H

#include <stdint.h>

/// Bits after the point.
#define CKERNELS_FRACTION_BITS 32

/// sum[i] += scale * values[i], taken in double precision and rounded to the nearest unit, ties to even. The products
/// are below 2^31 in magnitude.
void CKernels_addFixedPoint(
    const float *values, double scale, uint64_t *sum, int64_t count);

/// sum[i] += words[i].
void CKernels_addWords(const uint64_t *words, uint64_t *sum, int64_t count);

/// values[i] = words[i] in units of 2^-32, rounded to double precision and then to single.
void CKernels_fromFixedPoint(const uint64_t *words, float *values, int64_t count);

/// values[i] = start[i] - values[i]. Returns the largest magnitude of the result, infinity where one is no number.
float CKernels_turnIntoChange(const float *start, float *values, int64_t count);

#endif
