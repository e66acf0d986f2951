#include "matrix_product.h"

#include <string.h>

#include "CKernels.h"

// MARK: - Versions

/// The version that is used at most; 0: any.
static int version_limit;

void CKernels_limitProductVersion(int version) {
  __atomic_store_n(&version_limit, version, __ATOMIC_RELAXED);
}

int CKernels_matrixProductVersions(CKernels_Format format) {
  return format == CKernels_bfloat16 ? bfloat16_versions() : float32_versions();
}

int CKernels_matrixProductVersion(CKernels_Format format) {
  int limit = __atomic_load_n(&version_limit, __ATOMIC_RELAXED);
  int versions = CKernels_matrixProductVersions(format);
  return limit > 0 && limit < versions ? limit : versions;
}

// MARK: - Products

/// A product without inner indices: sums of nothing.
static void finish_empty(const Product *p) {
  for (int64_t r = 0; r < p->rows; r++) {
    float *row = p->c + r * p->stride;
    if (!p->adds) memset(row, 0, (size_t)p->columns * sizeof(float));
    if (!p->epilogue) continue;
    if (p->epilogue->bias) CKernels_accumulate(p->epilogue->bias, row, p->columns);
    finish_sums(p->epilogue, row, r * p->stride, p->columns);
  }
}

void CKernels_matrixProductByVersion(
    int version, CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows,
    int64_t columns, int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  Product p = {a, c, stride, rows, columns, inner, adds, epilogue};
  if (inner <= 0) return finish_empty(&p);
  if (a.format == CKernels_bfloat16)
    bfloat16_multiply(version, b, &p);
  else
    float32_multiply(version, b, &p);
}

void CKernels_matrixProduct(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  int version = CKernels_matrixProductVersion(a.format);
  CKernels_matrixProductByVersion(
      version, a, b, c, stride, rows, columns, inner, adds, epilogue);
}

int64_t CKernels_packedCount(CKernels_Format format, int64_t inner, int64_t columns) {
  if (format == CKernels_bfloat16)
    return bfloat16_packed_count(CKernels_matrixProductVersion(format), inner, columns);
  return float32_packed_count(inner, columns);
}

void CKernels_packFactor(CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  int version = CKernels_matrixProductVersion(b.format);
  if (b.format == CKernels_bfloat16)
    bfloat16_pack(version, b, inner, columns, packed);
  else
    float32_pack(version, b, inner, columns, packed);
}

void CKernels_matrixProductPacked(
    CKernels_Factor a, const float *packed, int64_t packedInner, int64_t packedColumns, float *c,
    int64_t stride, int64_t rows, int64_t columns, int64_t inner, int adds,
    const CKernels_Epilogue *epilogue) {
  PackedFactor b = {packed, packedInner, packedColumns};
  Product p = {a, c, stride, rows, columns, inner, adds, epilogue};
  if (inner <= 0) return finish_empty(&p);
  int version = CKernels_matrixProductVersion(a.format);
  if (a.format == CKernels_bfloat16)
    bfloat16_multiply_packed(version, b, &p);
  else
    float32_multiply_packed(version, b, &p);
}
