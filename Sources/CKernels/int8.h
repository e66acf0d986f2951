// Rounding to eight bits in blocks that share a scale, in lanes. See CKernels_int8.h.
#ifndef CKERNELS_INT8_LANES_H
#define CKERNELS_INT8_LANES_H

#include "CKernels_int8.h"
#include "philox.h"

#define INT8_BLOCK CKERNELS_INT8_BLOCK
#define INT8_LARGEST 127

/// The scale of a block of n <= 128 elements; NaN where one is not finite, 0 where all become zero.
INLINE float int8_scale(const float *values, int64_t n) {
  IntLanes largest = {0};
  // Magnitudes of floats are in the order of their bits, and those of what is not finite come last.
  for (int64_t i = 0; i < n; i += LANE_COUNT) {
    Lanes lanes = lanes_read(values + i, n - i < LANE_COUNT ? n - i : LANE_COUNT);
    IntLanes magnitude = (IntLanes)lanes & 0x7fffffff, isLarger = magnitude > largest;
    largest = (magnitude & isLarger) | (largest & ~isLarger);
  }
  int32_t bits = 0;
  for (int lane = 0; lane < LANE_COUNT; lane++) bits = largest[lane] > bits ? largest[lane] : bits;
  if (bits >= 0x7f800000) return __builtin_nanf("");
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  scale /= INT8_LARGEST;
  memcpy(&bits, &scale, sizeof bits);
  bits &= ~0x7f;
  memcpy(&scale, &bits, sizeof scale);
  return scale < 0x1p-126f ? 0 : scale;
}

/// Whole numbers times the scale; in a block that is not finite, NaN where the number is not 0.
INLINE void int8_values(Lanes *values, const IntLanes *numbers, float scale) {
  const Lanes products = __builtin_convertvector(*numbers, Lanes) * scale;
  *values = (Lanes)((IntLanes)products & (*numbers != 0));
}

/// 1 where a value is not finite, else 0: the numbers of a block with such a value.
INLINE void int8_not_finite(IntLanes *numbers, const Lanes *values) {
  *numbers = (((IntLanes)*values & 0x7fffffff) >= 0x7f800000) & 1;
}

/// The largest whole numbers that are not above x, in -127 ... 127.
INLINE void int8_floor(IntLanes *numbers, const Lanes *x) {
  IntLanes whole = __builtin_convertvector(*x, IntLanes);
  // Truncated: below zero one too large. What holds is -1.
  whole += *x < __builtin_convertvector(whole, Lanes);
  const IntLanes most = (IntLanes){0} + INT8_LARGEST;
  IntLanes above = whole > most, below = whole < -most;
  *numbers = (most & above) | (-most & below) | (whole & ~above & ~below);
}

/// Sixteen numbers u: of the lower halves of the words, or the upper ones.
INLINE void int8_draws(Lanes *draws, const UIntLanes *words, int isUpper) {
  const UIntLanes halves = isUpper ? *words >> 16 : *words & 0xffff;
  *draws = __builtin_convertvector((IntLanes)halves, Lanes) * 0x1p-16f + 0x1p-17f;
}

/// Rounds a block of n <= 128 elements. May be in place.
INLINE void int8_round_block(
    float *rounded, const float *values, int64_t n, const CKernels_RandomStream *stream,
    int64_t element) {
  const float scale = int8_scale(values, n);
  const int isFinite = scale == scale;
  UIntLanes words[4] = {{0}};
  if (scale > 0) philox_lanes(stream, (uint32_t)(element / INT8_BLOCK * LANE_COUNT), words);
  for (int64_t i = 0; i < n; i += LANE_COUNT) {
    const int64_t left = n - i < LANE_COUNT ? n - i : LANE_COUNT;
    Lanes lanes = lanes_read(values + i, left), draws;
    IntLanes numbers = {0};
    if (scale > 0) {
      int8_draws(&draws, &words[i / 32], i / LANE_COUNT & 1);
      lanes = lanes / scale + draws;
      int8_floor(&numbers, &lanes);
    } else if (!isFinite) {
      int8_not_finite(&numbers, &lanes);
    }
    int8_values(&lanes, &numbers, scale);
    lanes_write(rounded + i, lanes, left);
  }
}

/// Rounds elements from `element` on. May be in place.
INLINE void int8_round(
    float *rounded, const float *values, int64_t count, const CKernels_RandomStream *stream,
    int64_t element) {
  for (int64_t i = 0; i < count; i += INT8_BLOCK) {
    int64_t n = count - i < INT8_BLOCK ? count - i : INT8_BLOCK;
    int8_round_block(rounded + i, values + i, n, stream, element + i);
  }
}

#endif
