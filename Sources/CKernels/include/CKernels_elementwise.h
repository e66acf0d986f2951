// Sums, products and copies of spans. `count` is in elements; spans do not overlap unless they are
// the same span.
#ifndef CKERNELS_ELEMENTWISE_H
#define CKERNELS_ELEMENTWISE_H

#include <stdint.h>

/// destination += source.
void CKernels_accumulate(const float *source, float *destination, int64_t count);

/// destination += scale * source.
void CKernels_accumulateScaled(
    const float *source, float scale, float *destination, int64_t count);

/// destination = a + b.
void CKernels_add(const float *a, const float *b, float *destination, int64_t count);

/// destination = a * b, or destination += a * b where `adds`.
void CKernels_multiply(
    const float *a, const float *b, float *destination, int64_t count, int adds);

/// products = a * b, of [rows, columns] with rows `stride` elements apart, and sums[columns] = the sum of the
/// rows, added up in their order from zero. products may be a or b.
void CKernels_multiplyAndSum(
    const float *a, const float *b, float *products, float *sums, int64_t rows, int64_t columns,
    int64_t stride);

/// destination = scale * source.
void CKernels_scale(const float *source, float scale, float *destination, int64_t count);

/// destination = a / b, or destination += a / b where `adds`.
void CKernels_divide(const float *a, const float *b, float *destination, int64_t count, int adds);

/// The gradient of a / b at b: destination = -gradient * (a / b) / b, or += where `adds`.
void CKernels_divideBackward(
    const float *gradient, const float *a, const float *b, float *destination, int64_t count,
    int adds);

/// outputs = ln inputs, computed in double precision and rounded: -infinity of 0, NaN of what is
/// negative.
void CKernels_logarithm(const float *inputs, float *outputs, int64_t count);

/// outputs = e^inputs, by the exponential that all kernels use; inputs are clamped to
/// [-87.3, 88.3].
void CKernels_exponential(const float *inputs, float *outputs, int64_t count);

/// sums[columns] = the sum of the rows of values [rows, columns], or += where `adds`. Rows are
/// summed in blocks of 64 in order, the blocks in order.
void CKernels_columnSums(
    const float *values, float *sums, int64_t rows, int64_t columns, int64_t stride, int adds);

/// The sum of a span: sixteen lanes, then their halves.
float CKernels_sum(const float *values, int64_t count);

/// The inner product of two spans, in the order of CKernels_sum.
float CKernels_dot(const float *a, const float *b, int64_t count);

#endif
