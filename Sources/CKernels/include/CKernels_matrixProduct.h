// Products of matrices. An element is computed in one order, whatever the processor, and wherever the
// matrices are cut among threads. The order belongs to the format of the factors.
//
// float32: the inner dimension is taken in chunks of CKERNELS_PRODUCT_CHUNK; within a chunk, fused
// multiply-adds from zero in ascending order; then the chunks' sums are added in ascending order, to what
// was there if the product adds.
//
// bfloat16: the order of Intel's tile instruction TDPBF16PS (Intel 64 and IA-32 Architectures Software
// Developer's Manual, volume 2), which others compute as well:
//
// - Both factors are rounded to bfloat16: to nearest, ties to even; denormal floats become zeros of the
//   same sign, too large ones infinite, and what is not a number stays so. Sums are single precision.
// - The inner dimension is taken in blocks of CKERNELS_BFLOAT16_BLOCK, the last one padded with zeros.
// - Of each block two sums are formed, of the products with even and with odd inner index: fused
//   multiply-adds from zero in ascending order. even + odd is added to the element, blocks in ascending
//   order, from zero or from what was there if the product adds.
// - Every step rounds to nearest, ties to even, takes denormal numbers as zeros, and gives zeros in their
//   place, of the same sign.
//
// Any cut of the inner dimension at a multiple of the block keeps the bits. Which NaN a result is, is not
// promised.
#ifndef CKERNELS_MATRIXPRODUCT_H
#define CKERNELS_MATRIXPRODUCT_H

#include <stdint.h>

#include "CKernels_activations.h"

#define CKERNELS_PRODUCT_CHUNK 256
#define CKERNELS_BFLOAT16_BLOCK 32

/// What a product rounds its factors' elements to. A format has an inner step and a packed form of its
/// own; all else is common.
typedef enum CKernels_Format {
  /// Nothing is rounded.
  CKernels_float32 = 0,
  /// Eight bits of precision, the exponents of float32.
  CKernels_bfloat16 = 1,
} CKernels_Format;

/// A matrix in memory. Read as it lies: [rows, columns], rows `stride` elements apart; or transposed.
typedef struct CKernels_Factor {
  /// Null where `rounded` is given.
  const float *elements;
  int64_t stride;
  int32_t transposed;
  /// The same of both factors of a product.
  CKernels_Format format;
  /// Elements that are rounded to bfloat16 already, as CKernels_roundToBfloat16 leaves them; for products
  /// of that format. Null where `elements` are given.
  const uint16_t *rounded;
} CKernels_Factor;

/// What happens to each finished element of a product while it is still in the cache.
typedef struct CKernels_Epilogue {
  /// Added to each row of the product; null for none.
  const float *bias;
  /// Added after it, element by element, rows as far apart as the product's; null for none, and where there is
  /// an activation.
  const float *added;
  /// Where activation(product + bias) goes, rows as far apart as the product's; null for none.
  float *activated;
  /// Where they go rounded to bfloat16 instead, in products of that format; null for none.
  uint16_t *rounded;
  CKernels_Activation activation;
  float slope;
  /// Whether the product itself then keeps the slopes of the activation instead of product + bias.
  int32_t keepsSlopes;
} CKernels_Epilogue;

/// C = A B, or C += A B where `adds`: A [rows, inner], B [inner, columns], C [rows, columns] with rows
/// `stride` elements apart. C overlaps neither factor. Without inner indices each sum is zero.
///
/// - epilogue: null for none.
void CKernels_matrixProduct(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue);

/// How many floats the packed form of a right factor [inner, columns] takes. The packed form of the
/// columns from n on, n a multiple of 32, begins as many floats later as n columns take.
int64_t CKernels_packedCount(CKernels_Format format, int64_t inner, int64_t columns);

/// Brings a right factor [inner, columns] into the order in which products read it, for several
/// products with it. The order differs among processors: never store it.
void CKernels_packFactor(CKernels_Factor b, int64_t inner, int64_t columns, float *packed);

/// As CKernels_matrixProduct with the first `inner` rows and `columns` columns of a packed factor of
/// [packedInner, packedColumns]. `columns` is all of them or a multiple of 32. In bfloat16 the rest of the
/// last block of 32 rows takes part too, multiplied by zeros.
void CKernels_matrixProductPacked(
    CKernels_Factor a, const float *packed, int64_t packedInner, int64_t packedColumns, float *c,
    int64_t stride, int64_t rows, int64_t columns, int64_t inner, int adds,
    const CKernels_Epilogue *epilogue);

/// How many versions of the products this processor can run, the slowest first: plain, x86-64-v3 (AVX2),
/// x86-64-v4 (AVX-512), and in bfloat16 AMX. Their bits are equal.
int CKernels_matrixProductVersions(CKernels_Format format);

/// The one that is used.
int CKernels_matrixProductVersion(CKernels_Format format);

/// CKernels_matrixProduct by one of them: for tests, which compare their bits.
void CKernels_matrixProductByVersion(
    int version, CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows,
    int64_t columns, int64_t inner, int adds, const CKernels_Epilogue *epilogue);

/// For tests of whole runs: no version above this one is used from now on, in this process; 0:
/// any. What was packed before is of no use.
void CKernels_limitProductVersion(int version);

#endif
