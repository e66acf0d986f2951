// Sums of many vectors in the order of a binary tree, in one pass over memory.
//
// A tree is given as its leaves from left to right, with the number of additions that follow each
// leaf: after leaf i is pushed on a stack, the two topmost values are replaced by their sum
// `additions[i]` times. (a+b)+(c+d) is {0,1,0,2}; a+(b+(c+d)) is {0,0,0,3}.
#ifndef CKERNELS_REDUCTION_H
#define CKERNELS_REDUCTION_H

#include <stdint.h>

#include "CKernels_random.h"

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

/// A node of the whole tree, of which sources are parts.
typedef struct CKernels_TreeNode {
  uint32_t firstLeaf, leafCount;
} CKernels_TreeNode;

/// As CKernels_sumTreeInBfloat16, with sources and sums rounded as CKernels_int8.h says: source k is the node
/// nodes[k], and what a node draws is that of `stream`, its leafCount added to the site and its firstLeaf to the
/// micro-batch. `element` is where the destination begins in the whole buffer, a multiple of 128.
double CKernels_sumTreeInInt8(
    float *destination, const float *const *sources, const CKernels_TreeNode *nodes,
    const uint8_t *additions, int64_t sourceCount, int64_t start, int64_t count,
    const CKernels_RandomStream *stream, int64_t element, int32_t roundsResult);

/// The sum of values[i]^2 in double, in the order of CKernels_sumTreeWithSquares.
double CKernels_sumSquares(const float *values, int64_t count);

#endif
