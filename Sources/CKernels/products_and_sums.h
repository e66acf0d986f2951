// Products of elements, and the sums of their rows, in one pass: of floats and of rounded products.
#ifndef CKERNELS_PRODUCTS_AND_SUMS_H
#define CKERNELS_PRODUCTS_AND_SUMS_H

#include "lanes.h"

/// The body of CKernels_multiplyAndSum. `keep` stores the first n lanes of `product` at `place`.
#define MULTIPLY_AND_SUM(keep)                                                                    \
  memset(sums, 0, (size_t)columns * sizeof(float));                                               \
  for (int64_t row = 0; row < rows; row++) {                                                      \
    FOR_LANES(columns) {                                                                          \
      int64_t place = row * stride + i;                                                           \
      Lanes product = lanes_read(a + place, n) * lanes_read(b + place, n);                        \
      lanes_write(sums + i, lanes_read(sums + i, n) + product, n);                                \
      keep;                                                                                       \
    }                                                                                             \
  }

#endif
