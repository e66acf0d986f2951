#ifndef CKERNELS_LIKELIEST_H
#define CKERNELS_LIKELIEST_H

#include <stdint.h>

/// The `count` <= columns largest of a row of logits, largest first, of equal ones the one further
/// left: where they are (`places`), and their log-probabilities among all columns.
///
/// logProbabilities = logits - log(sum(e^logits)); the sum is taken in lanes of sixteen, in single
/// precision, relative to the largest.
void CKernels_likeliest(
    const float *logits, int64_t columns, int64_t count, int32_t *places, double *logProbabilities);

#endif
