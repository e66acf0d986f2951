// Blocks of 128 floats in eight bits each: a whole number in -127 ... 127 times a scale that the block shares.
//
// The scale is the largest magnitude / 127, with the last seven bits of the significand zero: products with whole
// numbers of seven bits are exact then, and what is rounded is rounded again without a change, whatever is drawn.
// A value v becomes floor(v / scale + u) * scale, with u drawn evenly from 0 < u < 1: the expected value is v. The
// division is the processor's, rounded to nearest, and nothing is contracted: the bits are the same on all.
//
// A block whose scale would not be a normal number becomes zeros. In a block with what is not finite that
// becomes NaN, and all else zero.
#ifndef CKERNELS_INT8_H
#define CKERNELS_INT8_H

#include <stdint.h>

#include "CKernels_random.h"

/// Elements of a block.
#define CKERNELS_INT8_BLOCK 128

/// Rounds in blocks. May be in place. Only tests call it: training rounds within the kernels that add.
///
/// The stream gives 16 bits to each element. `element` is where the span starts in the whole buffer, a multiple of
/// 128: element e has the lower half of a word where e % 32 < 16, else the upper, of word (e % 128) / 32 at
/// position e / 128 * 16 + e % 16; u is that number + 1/2, times 2^-16.
void CKernels_roundToInt8(
    const CKernels_RandomStream *stream, int64_t element, const float *values, float *rounded,
    int64_t count);

/// The whole numbers and scales of what is rounded already; scales[b] is that of the block from 128 b on. In a block
/// with the scale NaN, 1 stands for NaN.
void CKernels_encodeInt8(
    const float *rounded, float *scales, int8_t *numbers, int64_t count);

/// The values again.
void CKernels_decodeInt8(
    const float *scales, const int8_t *numbers, float *values, int64_t count);

#endif
