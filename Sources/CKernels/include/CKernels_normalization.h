// Layer norm and RMS norm over rows. R rows, D columns.
#ifndef CKERNELS_NORMALIZATION_H
#define CKERNELS_NORMALIZATION_H

#include <stdint.h>

/// outputs = (inputs - mean) * inverseDeviation * weight + bias, each row by itself.
/// means and inverseDeviations [R] are kept for the backward pass; bias may be null.
void CKernels_layerNormForward(
    const float *inputs, const float *weight, const float *bias, float epsilon, float *outputs,
    float *means, float *inverseDeviations, int64_t rows, int64_t columns);

/// The gradient of the inputs, written or (where `adds`) added; and the sums over these rows for
/// the weight and the bias, written to weightSums [D] and biasSums [D].
void CKernels_layerNormBackward(
    const float *inputs, const float *weight, const float *means, const float *inverseDeviations,
    const float *outputGradient, float *inputGradient, int adds, float *weightSums,
    float *biasSums, int64_t rows, int64_t columns);

/// outputs = inputs * inverseRoot * weight, inverseRoot = 1 / sqrt(mean(inputs^2) + epsilon).
void CKernels_rmsNormForward(
    const float *inputs, const float *weight, float epsilon, float *outputs, float *inverseRoots,
    int64_t rows, int64_t columns);

/// As CKernels_layerNormBackward, without mean and bias.
void CKernels_rmsNormBackward(
    const float *inputs, const float *weight, const float *inverseRoots,
    const float *outputGradient, float *inputGradient, int adds, float *weightSums, int64_t rows,
    int64_t columns);

#endif
