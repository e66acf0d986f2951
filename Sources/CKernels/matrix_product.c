#include "matrix_product.h"

#include "CKernels.h"

#include <pthread.h>
#include <stdlib.h>

// MARK: - Memory for packing

typedef struct Scratch {
  void *memory;
  size_t bytes;
} Scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local Scratch thread_scratch;

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free); }

void *product_scratch(size_t bytes) {
  if (bytes <= thread_scratch.bytes) return thread_scratch.memory;
  void *memory = NULL;
  if (posix_memalign(&memory, 4096, bytes) != 0) abort();
  free(thread_scratch.memory);
  pthread_once(&scratch_once, make_scratch_key);
  pthread_setspecific(scratch_key, memory);
  thread_scratch = (Scratch){memory, bytes};
  return memory;
}

// MARK: - Epilogues

void activate_sums(
    const CKernels_Epilogue *epilogue, float *sums, int64_t place, int64_t count) {
  CKernels_Activation activation = epilogue->activation;
  float slope = epilogue->slope;
  if (epilogue->activated && epilogue->keepsSlopes)
    CKernels_activationAndSlope(activation, slope, sums, epilogue->activated + place, count);
  else if (epilogue->activated)
    CKernels_activationForward(activation, slope, sums, epilogue->activated + place, count);
  if (epilogue->rounded && epilogue->keepsSlopes)
    CKernels_activationAndSlopeRounded(activation, slope, sums, epilogue->rounded + place, count);
  else if (epilogue->rounded)
    CKernels_activationRounded(activation, slope, sums, epilogue->rounded + place, count);
}

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

void CKernels_matrixProductByVersion(
    int version, CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows,
    int64_t columns, int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  Product p = {a, c, stride, rows, columns, inner, adds, epilogue};
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
  int version = CKernels_matrixProductVersion(a.format);
  if (a.format == CKernels_bfloat16)
    bfloat16_multiply_packed(version, b, &p);
  else
    float32_multiply_packed(version, b, &p);
}
