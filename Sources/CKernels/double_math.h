// Elementary functions on doubles, from basic operations alone. The C library picks its own by
// processor, and the last bit differs: two machines of one cluster would not agree.
#ifndef CKERNELS_DOUBLE_MATH_H
#define CKERNELS_DOUBLE_MATH_H

#include "lanes.h"

/// The bits of a double, to take its exponent apart.
typedef union DoubleBits {
  double value;
  int64_t bits;
} DoubleBits;

/// The natural logarithm of a normal x > 0: x = 2^k f with f in [sqrt(1/2), sqrt(2)), and
/// log f = 2 artanh((f - 1) / (f + 1)), whose series ends at the 19th power: |t| < 0.172. Infinity
/// and NaN come back as they are.
INLINE double natural_log(double x) {
  if (!(x <= __DBL_MAX__)) return x;
  DoubleBits parts = {x};
  int64_t k = (parts.bits >> 52) - 1023;
  parts.bits = (parts.bits & 0xFFFFFFFFFFFFF) | (1023LL << 52);
  if (parts.value > 1.4142135623730951) {
    parts.value *= 0.5;
    k += 1;
  }
  double t = (parts.value - 1) / (parts.value + 1), square = t * t, sum = 0;
  for (int power = 19; power >= 1; power -= 2) sum = sum * square + 1.0 / power;
  return (double)k * 0.6931471805599453 + 2 * t * sum;
}

/// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer.
#define ROUNDING_MAGIC 6755399441055744.0

/// e^x for |x| <= 700: x = n ln 2 + r, |r| < 0.35, and the series of e^r to the 13th power.
INLINE double natural_exp(double x) {
  double n = (x * 1.4426950408889634 + ROUNDING_MAGIC) - ROUNDING_MAGIC;
  // ln 2 in two parts, the first of 33 bits: its product with n is exact.
  double r = x - n * 0.6931471803691238;
  r = r - n * 1.9082149292705877e-10;
  double sum = 1;
  for (int power = 13; power >= 1; power--) sum = 1 + sum * r / power;
  DoubleBits scale = {.bits = ((int64_t)n + 1023) << 52};
  return sum * scale.value;
}

/// The sine and cosine of an angle in radians, |angle| below 10^6: the angle is reduced to
/// |r| <= pi/4 around a multiple of pi/2, then the series to the 15th and 16th power.
INLINE void sine_and_cosine(double angle, double *sine, double *cosine) {
  double quarter = (angle * 0.6366197723675814 + ROUNDING_MAGIC) - ROUNDING_MAGIC;
  // pi/2 in two parts, the first of 33 bits: its product with `quarter` is exact.
  double r = angle - quarter * 1.5707963267341256;
  r = r - quarter * 6.077100506506192e-11;
  double square = r * r, s = 1, c = 1;
  for (int power = 14; power >= 2; power -= 2) {
    s = 1 - s * square / (power * (power + 1));
  }
  for (int power = 15; power >= 1; power -= 2) {
    c = 1 - c * square / (power * (power + 1));
  }
  s *= r;
  int64_t quadrant = (int64_t)quarter & 3;
  double first = quadrant & 1 ? c : s, second = quadrant & 1 ? s : c;
  *sine = quadrant & 2 ? -first : first;
  *cosine = (quadrant + 1) & 2 ? -second : second;
}

#endif
