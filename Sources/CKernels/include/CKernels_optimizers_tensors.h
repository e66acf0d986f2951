// For optimisers that look at whole tensors; see CKernels_optimizers.h.
#ifndef CKERNELS_OPTIMIZERS_TENSORS_H
#define CKERNELS_OPTIMIZERS_TENSORS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The sum of a[i] · b[i] in double: sixteen lanes, lane by lane over the span, then halves of the
/// lanes.
double CKernels_sumProducts(const float *a, const float *b, int64_t count);

/// The sum of |values[i]| in double, in the same order.
double CKernels_sumMagnitudes(const float *values, int64_t count);

/// sums[column] = the sum of squares of a column of values [rows, columns], row after row.
void CKernels_columnSquares(const float *values, double *sums, int64_t rows, int64_t columns,
                            int64_t stride);

/// direction = keep · parameters - rate · direction: the new parameters.
void CKernels_moveAlong(const float *parameters, float *direction, float keep, float rate,
                        int64_t count);

/// gradient[i, j] /= √max(rows[i] · columns[j], floor).
void CKernels_divideByFactoredRoot(float *gradient, const float *rows, const float *columns,
                                   int64_t rowCount, int64_t columnCount, float floor);

/// base to a power that need not be whole, for normal bases above 0; results are at least e^-700 and at
/// most e^700. The same bits on every processor.
double CKernels_power(double base, double exponent);

#ifdef __cplusplus
}
#endif

#endif
