// Products of single-precision matrices.
//
// An element of the product is computed in one order, whatever the processor, and wherever the
// matrices are cut among threads: the inner dimension is taken in chunks of CKERNELS_PRODUCT_CHUNK;
// within a chunk, fused multiply-adds from zero in ascending order; then the chunks' sums are added
// in ascending order, to what was there if the product adds.
#ifndef CKERNELS_MATRIXPRODUCT_H
#define CKERNELS_MATRIXPRODUCT_H

#include <stdint.h>

#include "CKernels_activations.h"

#define CKERNELS_PRODUCT_CHUNK 256

/// What a product rounds its factors' elements to. A format has an inner step and a packed form of its
/// own; all else is common.
typedef enum CKernels_Format {
  /// Nothing is rounded.
  CKernels_float32 = 0,
} CKernels_Format;

/// A matrix in memory. Read as it lies: [rows, columns], rows `stride` elements apart; or transposed.
typedef struct CKernels_Factor {
  const float *elements;
  int64_t stride;
  int32_t transposed;
  /// The same of both factors of a product.
  CKernels_Format format;
} CKernels_Factor;

/// What happens to each finished element of a product while it is still in the cache.
typedef struct CKernels_Epilogue {
  /// Added to each row of the product; null for none.
  const float *bias;
  /// Where activation(product + bias) goes, rows as far apart as the product's; null for none. The
  /// product itself keeps the sum.
  float *activated;
  CKernels_Activation activation;
  float slope;
} CKernels_Epilogue;

/// C = A B, or C += A B where `adds`: A [rows, inner], B [inner, columns], C [rows, columns] with rows
/// `stride` elements apart. C overlaps neither factor.
///
/// - epilogue: null for none.
void CKernels_matrixProduct(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue);

/// How many floats the packed form of a right factor [inner, columns] takes.
int64_t CKernels_packedCount(CKernels_Format format, int64_t inner, int64_t columns);

/// Brings a right factor [inner, columns] into the order in which products read it, for several
/// products with it. The order differs among processors: never store it.
void CKernels_packFactor(CKernels_Factor b, int64_t inner, int64_t columns, float *packed);

/// As CKernels_matrixProduct with the first `inner` rows and `columns` columns of a packed factor of
/// [packedInner, packedColumns]. `columns` is all of them or a multiple of 32.
void CKernels_matrixProductPacked(
    CKernels_Factor a, const float *packed, int64_t packedInner, int64_t packedColumns, float *c,
    int64_t stride, int64_t rows, int64_t columns, int64_t inner, int adds);

/// How many versions for different processor levels this processor can run, the slowest first.
int CKernels_matrixProductVersions(void);

/// CKernels_matrixProduct by one of them: for tests, which compare their bits.
void CKernels_matrixProductByVersion(
    int version, CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows,
    int64_t columns, int64_t inner, int adds, const CKernels_Epilogue *epilogue);

#endif
