// What the products of all formats have in common, and what each of them offers to matrix_product.c.
#ifndef CKERNELS_MATRIX_PRODUCT_H
#define CKERNELS_MATRIX_PRODUCT_H

#include <stddef.h>

#include "CKernels_matrixProduct.h"

/// C = A B or C += A B; see CKernels_matrixProduct. The right factor comes beside it, packed or not.
typedef struct Product {
  CKernels_Factor a;
  float *c;
  int64_t stride, rows, columns, inner;
  int adds;
  const CKernels_Epilogue *epilogue;
} Product;

/// A right factor [inner, columns] as a format's `pack` leaves it.
typedef struct PackedFactor {
  const float *elements;
  int64_t inner, columns;
} PackedFactor;

/// Does to sums of a product that are complete, their bias added, what is left of the epilogue; they lie `place`
/// elements after its first ones.
void finish_sums(
    const CKernels_Epilogue *epilogue, float *sums, int64_t place, int64_t count);

/// Memory of this thread for packing: at least so many bytes, with any contents. It is kept from a thread's
/// first product to its end.
void *product_scratch(size_t bytes);

// Each format: how many versions this processor can run, the slowest first, and a version's functions.

int float32_versions(void);
void float32_multiply(int version, CKernels_Factor b, const Product *p);
int64_t float32_packed_count(int64_t inner, int64_t columns);
void float32_pack(int version, CKernels_Factor b, int64_t inner, int64_t columns, float *packed);
void float32_multiply_packed(int version, PackedFactor b, const Product *p);

int bfloat16_versions(void);
void bfloat16_multiply(int version, CKernels_Factor b, const Product *p);
int64_t bfloat16_packed_count(int version, int64_t inner, int64_t columns);
void bfloat16_pack(int version, CKernels_Factor b, int64_t inner, int64_t columns, float *packed);
void bfloat16_multiply_packed(int version, PackedFactor b, const Product *p);

#endif
