// Softmax over rows of scores, and the cross-entropy of rows of logits.
#ifndef CKERNELS_SOFTMAX_H
#define CKERNELS_SOFTMAX_H

#include <stdint.h>

/// Softmax of scale * scores in place, row by row; rows are `stride` elements apart.
///
/// Row r sees its first `visible + r * step` columns (step 1: causal; step 0: all alike), at most
/// `columns`; the rest becomes zero. maxima [rows] and inverseSums [rows] are kept for
/// CKernels_softmaxAgain.
void CKernels_softmaxForward(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, float *maxima, float *inverseSums);

/// The same probabilities again, to the bit, from the same scores and the kept row statistics.
void CKernels_softmaxAgain(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, const float *maxima, const float *inverseSums);

/// The gradient of the scores: probabilityGradient = scale * p * (probabilityGradient - dot[row]),
/// in place; dot [rows] is the sum over the row of p * probabilityGradient.
void CKernels_softmaxBackward(
    const float *probabilities, float *probabilityGradient, const float *dot, float scale,
    int64_t rows, int64_t columns, int64_t stride);

/// Cross-entropy of rows of logits [rows, columns] against targets [rows]; rows with a negative
/// target are ignored and lose nothing. `smoothing` is the share of the target, in 0 ..< 1, that all
/// columns have alike.
///
/// losses [rows] = log(sum(e^logits)) - (1 - smoothing) * logits[target] - smoothing * mean(logits).
/// Where `gradientScale` is not zero the logits are replaced by gradientScale *
/// (softmax(logits) - (1 - smoothing) * onehot(target) - smoothing / columns).
void CKernels_crossEntropy(
    float *logits, const int32_t *targets, float *losses, float smoothing, float gradientScale,
    int64_t rows, int64_t columns, int64_t stride);

/// Cross-entropy of rows of logits [rows, columns] against targets [rows], and how far they are from a
/// teacher's logits of the same shape; rows with a negative target are ignored and lose nothing.
///
/// losses [rows] = (1 - weight) * (log(sum(e^logits)) - logits[target])
///   + weight * T² * sum(p * (log(p) - log(softmax(logits / T)))) with p = softmax(teacher / T).
/// Where `differentiates` is not zero the logits are replaced by (1 - weight) * (softmax(logits) -
/// onehot(target)) + weight * T * (softmax(logits / T) - p).
void CKernels_distillation(
    float *logits, const float *teacher, const int32_t *targets, float *losses, float temperature,
    float weight, int differentiates, int64_t rows, int64_t columns);

#endif
