// Passes whose results are rounded to bfloat16, the upper halves of floats, as CKernels_matrixProduct.h says:
// what is a factor of products in that format and nothing else takes half the memory, and no bit of the
// products changes. `count` is in elements.
#ifndef CKERNELS_ROUNDED_H
#define CKERNELS_ROUNDED_H

#include <stdint.h>

#include "CKernels_activations.h"

void CKernels_roundToBfloat16(const float *source, uint16_t *destination, int64_t count);

/// The same as the version of a product does it: for tests, which compare their bits.
void CKernels_roundToBfloat16ByVersion(
    int version, const float *source, uint16_t *destination, int64_t count);

/// As CKernels_activationForward.
void CKernels_activationRounded(
    CKernels_Activation activation, float slope, const float *inputs, uint16_t *outputs,
    int64_t count);

/// As CKernels_activationAndSlope; the slopes are not rounded.
void CKernels_activationAndSlopeRounded(
    CKernels_Activation activation, float slope, float *values, uint16_t *outputs, int64_t count);

/// As CKernels_swigluForward.
void CKernels_swigluRounded(
    const float *gate, const float *up, uint16_t *outputs, int64_t count);

/// As CKernels_multiplyAndSum; the sums are of what was not rounded yet.
void CKernels_multiplyRounded(
    const float *a, const float *b, uint16_t *products, float *sums, int64_t rows, int64_t columns,
    int64_t stride);

#endif
