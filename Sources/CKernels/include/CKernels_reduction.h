// Sums of many vectors in the order of a binary tree, in one pass over memory.
//
// A tree is given as its leaves from left to right, with the number of additions that follow each
// leaf: after leaf i is pushed on a stack, the two topmost values are replaced by their sum
// `additions[i]` times. (a+b)+(c+d) is {0,1,0,2}; a+(b+(c+d)) is {0,0,0,3}.
#ifndef CKERNELS_REDUCTION_H
#define CKERNELS_REDUCTION_H

#include <stdint.h>

/// The most values a tree may need on its stack at once. 4,096 leaves need 13.
#define CKERNELS_TREE_DEPTH 32

/// destination[i] = tree sum over k of sources[k][start + i], for 0 <= i < count.
/// The destination may be one of the sources, from `start`; otherwise they do not overlap.
void CKernels_sumTree(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count);

/// As CKernels_sumTree, and returns the sum of destination[i]^2 in double, in a fixed order:
/// sixteen lanes, lane by lane over the range, then halves of the lanes.
double CKernels_sumTreeWithSquares(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count);

/// As CKernels_sumTreeWithSquares, with sources and all sums rounded to bfloat16 (to nearest, ties to even,
/// denormal numbers to zeros); the last sum, which is the result, only if `roundsResult`.
double CKernels_sumTreeInBfloat16(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count, int32_t roundsResult);

/// The sum of values[i]^2 in double, in the order of CKernels_sumTreeWithSquares.
double CKernels_sumSquares(const float *values, int64_t count);

#endif
