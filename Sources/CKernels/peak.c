#include "CKernels.h"
#include "lanes.h"

#define UNROLLED _Pragma("clang loop unroll(full)")

/// Two units of vectors each of which takes four cycles: eight accumulators keep them busy, and some
/// more those of other processors. Of the 32 registers of AVX-512 these, and two for the factor and
/// the addend.
#define ACCUMULATORS_V4 16
/// Sixteen lanes are two registers of AVX2's sixteen: twelve accumulators.
#define ACCUMULATORS_V3 6
/// Sixteen lanes are four registers of NEON's 32, whose processors have up to four units: 24
/// accumulators.
#define ACCUMULATORS_PLAIN 6

/// x = x / 2 + 1 goes to two from anywhere: neither infinite nor subnormal, and always the same speed.
/// No two accumulators are equal at first, so that the compiler can not take them for one.
#define MULTIPLY_ADD(accumulators, rounds, sum)                                                   \
  do {                                                                                            \
    const Lanes half = lanes_fill(0.5f), one = lanes_fill(1.0f);                                  \
    Lanes values[accumulators];                                                                   \
    UNROLLED for (int i = 0; i < accumulators; i++) values[i] = lanes_fill(*(sum) + (float)i);    \
    for (int64_t round = 0; round < (rounds); round++) {                                          \
      UNROLLED for (int i = 0; i < accumulators; i++)                                             \
        values[i] = __builtin_elementwise_fma(values[i], half, one);                              \
    }                                                                                             \
    UNROLLED for (int i = 1; i < accumulators; i++) values[0] += values[i];                       \
    *(sum) = values[0][0];                                                                        \
    return (rounds) * accumulators * LANE_COUNT * 2;                                              \
  } while (0)

#if defined(__x86_64__)
#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
static int64_t multiply_add_v4(int64_t rounds, float *sum) {
  MULTIPLY_ADD(ACCUMULATORS_V4, rounds, sum);
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
static int64_t multiply_add_v3(int64_t rounds, float *sum) {
  MULTIPLY_ADD(ACCUMULATORS_V3, rounds, sum);
}
#pragma clang attribute pop
#endif

// On x86-64 without fused multiply-adds products call the C library for each, and so does this.
static int64_t multiply_add_plain(int64_t rounds, float *sum) {
  MULTIPLY_ADD(ACCUMULATORS_PLAIN, rounds, sum);
}

int64_t CKernels_peakByVersion(int version, CKernels_Format format, int64_t rounds, float *sum) {
  (void)format;
#if defined(__x86_64__)
  if (version >= 3) return multiply_add_v4(rounds, sum);
  if (version == 2) return multiply_add_v3(rounds, sum);
#endif
  (void)version;
  return multiply_add_plain(rounds, sum);
}

int64_t CKernels_peak(CKernels_Format format, int64_t rounds, float *sum) {
  return CKernels_peakByVersion(CKernels_matrixProductVersions(), format, rounds, sum);
}

const char *CKernels_productInstructions(CKernels_Format format) {
  (void)format;
#if defined(__x86_64__)
  static const char *const instructions[] = {
      "multiply-adds of the C library", "AVX2 fused multiply-adds", "AVX-512 fused multiply-adds"};
  return instructions[CKernels_matrixProductVersions() - 1];
#else
  return "fused multiply-adds";
#endif
}
