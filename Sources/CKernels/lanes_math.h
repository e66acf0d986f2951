// Elementary functions on lanes, from basic operations alone: the same bits on every processor.
#ifndef CKERNELS_LANES_MATH_H
#define CKERNELS_LANES_MATH_H

#include "lanes.h"

/// e^x within 1 unit in the last place; x is clamped to [-87.3, 88.3], so nothing overflows and
/// nothing becomes denormal. Range reduction by ln 2 in two parts (Cody and Waite), then the
/// degree-6 polynomial of Cephes' expf.
#define lanes_exp(x)                                                                              \
  ({                                                                                              \
    Lanes exponential_ = (x);                                                                     \
    lanes_exp_in_place(&exponential_);                                                            \
    exponential_;                                                                                 \
  })
INLINE void lanes_exp_in_place(Lanes *value) {
  const Lanes low = lanes_fill(-87.3f), high = lanes_fill(88.3f);
  Lanes x = *value;
  x = lanes_choose(x < low, low, x);
  x = lanes_choose(x > high, high, x);
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
  const Lanes magic = lanes_fill(12582912.0f);
  Lanes shifted = x * 1.44269504088896341f + magic;
  Lanes n = shifted - magic;
  Lanes r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  IntLanes exponent = ((IntLanes)shifted - (IntLanes)magic + 127) << 23;
  *value = p * (Lanes)exponent;
}

/// 1 / (1 + e^-x).
#define lanes_sigmoid(x) (1.0f / (1.0f + lanes_exp(-(x))))

/// tanh x = 2 sigmoid(2x) - 1; the absolute error is below 2e-7.
#define lanes_tanh(x) (2.0f * lanes_sigmoid(2.0f * (x)) - 1.0f)

#endif
