// The one vector type of all kernels, and how a kernel is compiled.
//
// Sixteen lanes, whatever the processor: the compiler splits them into one AVX-512 register, two
// AVX2 registers or four SSE registers. The order of every sum is therefore fixed by the source,
// not by the machine. Products and sums are never contracted into fused multiply-adds, which the
// oldest level does not have: a mixed cluster gets equal bits.
#ifndef CKERNELS_LANES_H
#define CKERNELS_LANES_H

#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define LANE_COUNT 16

typedef float Lanes __attribute__((vector_size(64), aligned(64)));
typedef int32_t IntLanes __attribute__((vector_size(64), aligned(64)));
typedef uint32_t UIntLanes __attribute__((vector_size(64), aligned(64)));
/// Eight doubles: half of a Lanes, widened.
typedef double DoubleLanes __attribute__((vector_size(64), aligned(64)));

/// Compiled once per processor level; the loader picks the widest that the processor has.
#if defined(__x86_64__)
#define MULTIVERSIONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MULTIVERSIONED
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE Lanes lanes_load(const float *source) {
  Lanes lanes;
  memcpy(&lanes, source, sizeof lanes);
  return lanes;
}

INLINE void lanes_store(float *destination, Lanes lanes) {
  memcpy(destination, &lanes, sizeof lanes);
}

INLINE Lanes lanes_fill(float value) { return (Lanes){0} + value; }

/// Loads `count` < 16 elements; the other lanes are zero.
INLINE Lanes lanes_load_partial(const float *source, int64_t count) {
  Lanes lanes = {0};
  memcpy(&lanes, source, (size_t)count * sizeof(float));
  return lanes;
}

INLINE void lanes_store_partial(float *destination, Lanes lanes, int64_t count) {
  memcpy(destination, &lanes, (size_t)count * sizeof(float));
}

/// The sum of the lanes: halves, then quarters, then eighths, then the last two.
INLINE float lanes_sum(Lanes v) {
  float a[8], b[4];
  for (int i = 0; i < 8; i++) a[i] = v[i] + v[i + 8];
  for (int i = 0; i < 4; i++) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

INLINE float lanes_max(Lanes v) {
  float m = v[0];
  for (int i = 1; i < LANE_COUNT; i++) m = v[i] > m ? v[i] : m;
  return m;
}

#endif
