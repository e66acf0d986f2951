// Elements that are kept in less memory than floats take, as floats again.
#ifndef CKERNELS_COMPACT_H
#define CKERNELS_COMPACT_H

#include <stdint.h>

/// Elements of a block of Q8_0, and its bytes: a scale in half precision, then whole numbers of 8 bits.
#define CKERNELS_Q8_ELEMENTS 32
#define CKERNELS_Q8_BYTES 34

/// bfloat16, the upper halves of floats.
void CKernels_decodeBfloat16(const uint16_t *source, float *destination, int64_t count);

/// GGUF's Q8_0: each element is its block's scale times its number.
void CKernels_decodeQ8(const uint8_t *blocks, float *destination, int64_t blockCount);

#endif
