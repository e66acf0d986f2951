// The largest elements of a change, in blocks of 4,096, and what is left for the next one.
//
// A record of a block is a scale (4 bytes), the places of the elements that are kept, and a whole number in
// -127 ... 127 for each (1 byte), filled up with zeros to a multiple of 4 bytes. Up to 255 kept elements have two
// bytes for each place; more have one bit for each element of the block, which are fewer bytes.
//
// The scale is that of CKernels_int8.h for the whole block. A value becomes the nearest whole number of scales, ties to even.
#ifndef CKERNELS_SPARSE_H
#define CKERNELS_SPARSE_H

#include <stdint.h>

/// Elements of a block.
#define CKERNELS_SPARSE_BLOCK 4096

/// Bytes of a record of a block with 1 ... 4,096 kept elements.
int64_t CKernels_sparseRecordBytes(int64_t kept);

/// Adds a change to what earlier ones have left, and takes the largest elements out of it:
///
///     residual = decay * residual + (start - end)
///     residual -= what the record says
///
/// Of elements with equal magnitude the first are kept. A block whose scale would not be a normal number sends
/// zeros and keeps everything; in one with what is not finite the scale is NaN.
///
/// - residual, start, end: [count], count <= 4,096.
/// - kept: Of a whole block; a shorter one keeps the same share of its elements, rounded up.
/// - record: Room for its bytes, all of which are written.
void CKernels_takeLargest(
    float *residual, float decay, const float *start, const float *end, int64_t count,
    int64_t kept, uint8_t *record);

/// Adds what a record says to a block of a sum, [count].
void CKernels_addSparse(const uint8_t *record, int64_t kept, float *sum, int64_t count);

#endif
