#include "CKernels.h"
#include "lanes.h"

/// Two units of vectors each of which takes four cycles: eight accumulators keep them busy, and some
/// more those of other processors. Of the 32 registers of AVX-512 these, and two for the factor and
/// the addend.
#define ACCUMULATORS_V4 16
/// Sixteen lanes are two registers of AVX2's sixteen: twelve accumulators.
#define ACCUMULATORS_V3 6
#if defined(__x86_64__)
/// Without fused multiply-adds: what the processor can do, which products are far from, since they
/// compute them in other ways. Sixteen lanes are four registers of sixteen: twelve accumulators.
#define ACCUMULATORS_PLAIN 3
#define PLAIN(value, factor, addend) ((value) * (factor) + (addend))
#else
/// Sixteen lanes are four of the 32 registers of NEON, whose processors have up to four units: 24
/// accumulators.
#define ACCUMULATORS_PLAIN 6
#define PLAIN(value, factor, addend) __builtin_elementwise_fma(value, factor, addend)
#endif

/// x = x / 2 + 1 goes to two from anywhere: neither infinite nor subnormal, and always the same speed.
/// No two accumulators are equal at first, so that the compiler can not take them for one.
#define MULTIPLY_ADDS(step, accumulators, rounds, sum)                                            \
  do {                                                                                            \
    const Lanes half = lanes_fill(0.5f), one = lanes_fill(1.0f);                                  \
    Lanes values[accumulators];                                                                   \
    UNROLLED for (int i = 0; i < accumulators; i++) values[i] = lanes_fill(*(sum) + (float)i);    \
    for (int64_t round = 0; round < (rounds); round++) {                                          \
      UNROLLED for (int i = 0; i < accumulators; i++) values[i] = step(values[i], half, one);     \
    }                                                                                             \
    UNROLLED for (int i = 1; i < accumulators; i++) values[0] += values[i];                       \
    *(sum) = values[0][0];                                                                        \
    return (rounds) * accumulators * LANE_COUNT * 2;                                              \
  } while (0)

#if defined(__x86_64__)
#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
static int64_t multiply_adds_v4(int64_t rounds, float *sum) {
  MULTIPLY_ADDS(__builtin_elementwise_fma, ACCUMULATORS_V4, rounds, sum);
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
static int64_t multiply_adds_v3(int64_t rounds, float *sum) {
  MULTIPLY_ADDS(__builtin_elementwise_fma, ACCUMULATORS_V3, rounds, sum);
}
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4,amx-tile,amx-bf16"))), apply_to = function)
#include "tiles.h"

/// A tile instruction takes 16 cycles and its sum is there after 52: four keep the unit busy. Factors of
/// one, with alternating signs on one side, change no sum.
static int64_t tile_products(int64_t rounds, float *sum) {
  uint16_t left[TILE], right[TILE];
  for (int i = 0; i < TILE; i++) {
    left[i] = 0x3f80;
    right[i] = i % 2 ? 0xbf80 : 0x3f80;
  }
  float sums[16][16] = {{*sum}};
  begin_amx();
  _tile_loadd(0, sums, 64);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, left, 64);
  _tile_loadd(5, left, 64);
  _tile_loadd(6, right, 64);
  _tile_loadd(7, right, 64);
  for (int64_t round = 0; round < rounds; round++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, 64);
  end_amx(0);
  *sum = sums[0][0];
  return rounds * 4 * 16 * TILE * 2;
}
#pragma clang attribute pop
#endif

static int64_t multiply_adds_plain(int64_t rounds, float *sum) {
  MULTIPLY_ADDS(PLAIN, ACCUMULATORS_PLAIN, rounds, sum);
}

int64_t CKernels_peakByVersion(int version, int64_t rounds, float *sum) {
#if defined(__x86_64__)
  switch (version) {
  case 4: return tile_products(rounds, sum);
  case 3: return multiply_adds_v4(rounds, sum);
  case 2: return multiply_adds_v3(rounds, sum);
  }
#endif
  (void)version;
  return multiply_adds_plain(rounds, sum);
}

int64_t CKernels_peak(CKernels_Format format, int64_t rounds, float *sum) {
  return CKernels_peakByVersion(CKernels_matrixProductVersion(format), rounds, sum);
}
