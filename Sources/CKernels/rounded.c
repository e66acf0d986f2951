#include "CKernels.h"
#include "activation_lanes.h"
#include "bfloat16.h"
#include "products_and_sums.h"

// Whatever the processor.

INLINE void round_and_store(Lanes *lanes, uint16_t *destination, int64_t n) {
  lanes_round_to_bfloat16(lanes);
  Halves halves = __builtin_convertvector((UIntLanes)*lanes >> 16, Halves);
  if (n == LANE_COUNT)
    memcpy(destination, &halves, sizeof halves);
  else
    for (int64_t i = 0; i < n; i++) destination[i] = halves[i];
}

INLINE void round_and_store_wide(const WideLanes *wide, uint16_t *destination, int64_t n) {
  (void)n;
  UNROLLED for (int part = 0; part < WIDE_COUNT / LANE_COUNT; part++) {
    Lanes lanes = wide_part(*wide, part);
    round_and_store(&lanes, destination + part * LANE_COUNT, LANE_COUNT);
  }
}

#define FUNCTION(name) MULTIVERSIONED static void name##_anywhere
#define ROUNDED(vector, destination, n)                                                           \
  _Generic(*(vector), Lanes: round_and_store, WideLanes: round_and_store_wide)(                   \
      vector, destination, n)
#include "rounded_level.h"
#undef FUNCTION
#undef ROUNDED

// By the processor's own conversion: AVX512_BF16, which those with AMX have. Products limited to a version for
// less than AVX-512 do without, too, so that tests compare both.

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4,avx512bf16"), min_vector_width(512))), apply_to = function)

INLINE void convert_and_store(const Lanes *lanes, uint16_t *destination, int64_t n) {
  __m256i halves = (__m256i)_mm512_cvtneps_pbh((__m512)*lanes);
  if (n == LANE_COUNT)
    memcpy(destination, &halves, sizeof halves);
  else
    _mm256_mask_storeu_epi16(destination, (__mmask16)((1u << n) - 1), halves);
}

INLINE void convert_and_store_wide(const WideLanes *wide, uint16_t *destination, int64_t n) {
  (void)n;
  UNROLLED for (int part = 0; part < WIDE_COUNT / LANE_COUNT; part++) {
    Lanes lanes = wide_part(*wide, part);
    convert_and_store(&lanes, destination + part * LANE_COUNT, LANE_COUNT);
  }
}

#define FUNCTION(name) static void name##_converting
#define ROUNDED(vector, destination, n)                                                           \
  _Generic(*(vector), Lanes: convert_and_store, WideLanes: convert_and_store_wide)(               \
      vector, destination, n)
#include "rounded_level.h"
#undef FUNCTION
#undef ROUNDED
#pragma clang attribute pop

#define CALL_VERSION(version, function, ...)                                                      \
  do {                                                                                            \
    if ((version) >= 3 && __builtin_cpu_supports("avx512bf16"))                                   \
      function##_converting(__VA_ARGS__);                                                         \
    else                                                                                          \
      function##_anywhere(__VA_ARGS__);                                                           \
  } while (0)
#else
#define CALL_VERSION(version, function, ...) function##_anywhere(__VA_ARGS__)
#endif
#define CALL(function, ...)                                                                       \
  CALL_VERSION(CKernels_matrixProductVersion(CKernels_bfloat16), function, __VA_ARGS__)

void CKernels_roundToBfloat16ByVersion(
    int version, const float *source, uint16_t *destination, int64_t count) {
  (void)version;
  CALL_VERSION(version, round, source, destination, count);
}

void CKernels_roundToBfloat16(const float *source, uint16_t *destination, int64_t count) {
  CALL(round, source, destination, count);
}

void CKernels_activationRounded(
    CKernels_Activation activation, float slope, const float *inputs, uint16_t *outputs,
    int64_t count) {
  CALL(activation, activation, slope, inputs, outputs, count);
}

void CKernels_activationAndSlopeRounded(
    CKernels_Activation activation, float slope, float *values, uint16_t *outputs, int64_t count) {
  CALL(activation_and_slope, activation, slope, values, outputs, count);
}

void CKernels_swigluRounded(
    const float *gate, const float *up, uint16_t *outputs, int64_t count) {
  CALL(swiglu, gate, up, outputs, count);
}

void CKernels_multiplyRounded(
    const float *a, const float *b, uint16_t *products, float *sums, int64_t rows, int64_t columns,
    int64_t stride) {
  CALL(multiply, a, b, products, sums, rows, columns, stride);
}
