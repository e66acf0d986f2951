// Rounding to bfloat16, in single elements and in lanes.
#ifndef CKERNELS_BFLOAT16_H
#define CKERNELS_BFLOAT16_H

#include "lanes.h"

/// A float's bits, rounded to nearest, ties to even, with the lower half zero. Denormal numbers become
/// zeros, as for the processor's own conversion; what is not a number becomes a quiet one.
INLINE uint32_t rounded_to_bfloat16(uint32_t x) {
  uint32_t magnitude = x & 0x7fffffff;
  if (magnitude < 0x00800000) return x & 0x80000000;
  if (magnitude > 0x7f800000) return (x & 0xffff0000) | 0x00400000;
  return (x + 0x7fff + (x >> 16 & 1)) & 0xffff0000;
}

/// The same of sixteen floats.
INLINE void lanes_round_to_bfloat16(Lanes *lanes) {
  UIntLanes x = (UIntLanes)*lanes, magnitude = x & 0x7fffffff;
  UIntLanes denormal = (UIntLanes)(magnitude < 0x00800000);
  UIntLanes nan = (UIntLanes)(magnitude > 0x7f800000);
  UIntLanes nearest = x + 0x7fff + (x >> 16 & 1);
  UIntLanes chosen = (nearest & ~nan) | ((x | 0x00400000) & nan);
  *lanes = (Lanes)(chosen & 0xffff0000 & ~(denormal & 0x7fffffff));
}

typedef uint16_t Halves __attribute__((vector_size(32), aligned(32)));

/// The first n <= 16 elements, widened; the other lanes are zero.
INLINE void lanes_widen_into(Lanes *lanes, const uint16_t *source, int64_t n) {
  Halves halves = {0};
  if (n == LANE_COUNT)
    memcpy(&halves, source, sizeof halves);
  else
    for (int64_t i = 0; i < n; i++) halves[i] = source[i];
  *lanes = (Lanes)(__builtin_convertvector(halves, UIntLanes) << 16);
}

#endif
