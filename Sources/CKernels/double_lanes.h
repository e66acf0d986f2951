// The elementary functions of double_math.h on lanes: the same bits, element by element.
//
// Each works on several vectors at a time: one's series waits for itself most of the time.
#ifndef CKERNELS_DOUBLE_LANES_H
#define CKERNELS_DOUBLE_LANES_H

#include "double_math.h"
#include "lanes.h"

#define DOUBLE_LANE_COUNT 8
/// How many vectors a function works on.
#define DOUBLE_GROUP 4

/// The bits of DoubleLanes.
typedef int64_t LongLanes __attribute__((vector_size(64), aligned(64)));

/// Eight times the same value.
#define double_lanes_fill(value)                                                                  \
  ({                                                                                              \
    double f_ = (value);                                                                          \
    (DoubleLanes){f_, f_, f_, f_, f_, f_, f_, f_};                                                \
  })

/// `yes` in the lanes where all bits of the condition are set, `no` where none is.
#define double_lanes_choose(condition, yes, no)                                                   \
  ({                                                                                              \
    LongLanes condition_ = (condition);                                                           \
    (DoubleLanes)(((LongLanes)(yes) & condition_) | ((LongLanes)(no) & ~condition_));             \
  })

/// A statement about each vector of a group.
#define EACH_OF_GROUP UNROLLED for (int g = 0; g < DOUBLE_GROUP; g++)

/// All but the last 27 of a double's 53 digits.
#define UPPER_DIGITS (~((1LL << 27) - 1))

/// x / divisor, rounded as a division is, for whole divisors of at most 8 bits and an x that is zero or
/// well above the smallest normal number.
///
/// x times the inverse in two parts, whose larger product is exact: by a fused multiply-add, or since the
/// upper halves of both have few enough digits. What the sum is off by is below 2^-20 of its last place,
/// and such a quotient is never that near to the middle between two numbers: the divisor's 8 bits keep
/// it 2^-9 away. So both ways round as the division does.
///
/// - hasFused: A constant: whether the processor has fused multiply-adds.
INLINE void lanes_divide(DoubleLanes *x, double divisor, int hasFused) {
  DoubleBits inverse = {1 / divisor};
  if (hasFused) {
    double rest = __builtin_fma(-inverse.value, divisor, 1) / divisor;
    *x = __builtin_elementwise_fma(*x, double_lanes_fill(inverse.value), *x * rest);
    return;
  }
  inverse.bits &= UPPER_DIGITS;
  double rest = (1 - inverse.value * divisor) / divisor;
  DoubleLanes upper = (DoubleLanes)((LongLanes)*x & UPPER_DIGITS), lower = *x - upper;
  *x = upper * inverse.value + (lower * inverse.value + *x * rest);
}

/// natural_log of each normal x > 0 that is finite.
INLINE void lanes_natural_log(DoubleLanes x[DOUBLE_GROUP]) {
  DoubleLanes exponent[DOUBLE_GROUP], t[DOUBLE_GROUP], square[DOUBLE_GROUP], sum[DOUBLE_GROUP];
  const DoubleBits magic = {ROUNDING_MAGIC};
  EACH_OF_GROUP {
    LongLanes bits = (LongLanes)x[g], k = (bits >> 52) - 1023;
    DoubleLanes f = (DoubleLanes)((bits & 0xFFFFFFFFFFFFF) | (1023LL << 52));
    LongLanes isLarge = f > 1.4142135623730951;
    f = double_lanes_choose(isLarge, f * 0.5, f);
    // A comparison's one is -1. Small whole numbers are the last bits of the magic one.
    exponent[g] = (DoubleLanes)(k - isLarge + magic.bits) - ROUNDING_MAGIC;
    t[g] = (f - 1) / (f + 1), square[g] = t[g] * t[g], sum[g] = double_lanes_fill(0);
  }
  UNROLLED
  for (int power = 19; power >= 1; power -= 2)
    EACH_OF_GROUP sum[g] = sum[g] * square[g] + 1.0 / power;
  EACH_OF_GROUP x[g] = exponent[g] * 0.6931471805599453 + 2 * t[g] * sum[g];
}

/// sine_and_cosine of each angle.
///
/// - hasFused: See lanes_divide.
INLINE void lanes_sine_and_cosine(
    const DoubleLanes angle[DOUBLE_GROUP], DoubleLanes sine[DOUBLE_GROUP],
    DoubleLanes cosine[DOUBLE_GROUP], int hasFused) {
  DoubleLanes shifted[DOUBLE_GROUP], r[DOUBLE_GROUP], square[DOUBLE_GROUP];
  DoubleLanes s[DOUBLE_GROUP], c[DOUBLE_GROUP];
  EACH_OF_GROUP {
    shifted[g] = angle[g] * 0.6366197723675814 + ROUNDING_MAGIC;
    DoubleLanes quarter = shifted[g] - ROUNDING_MAGIC;
    r[g] = angle[g] - quarter * 1.5707963267341256;
    r[g] = r[g] - quarter * 6.077100506506192e-11;
    square[g] = r[g] * r[g], s[g] = double_lanes_fill(1), c[g] = double_lanes_fill(1);
  }
  UNROLLED
  for (int power = 15; power >= 1; power -= 2) {
    EACH_OF_GROUP {
      DoubleLanes term = c[g] * square[g];
      lanes_divide(&term, power * (power + 1), hasFused);
      c[g] = 1 - term;
    }
    if (power > 1) EACH_OF_GROUP {
      DoubleLanes term = s[g] * square[g];
      lanes_divide(&term, (power - 1) * power, hasFused);
      s[g] = 1 - term;
    }
  }
  EACH_OF_GROUP {
    s[g] *= r[g];
    // The last bits of the shifted angle are those of the quadrant.
    LongLanes quadrant = (LongLanes)shifted[g], isOdd = -(quadrant & 1);
    DoubleLanes first = double_lanes_choose(isOdd, c[g], s[g]);
    DoubleLanes second = double_lanes_choose(isOdd, s[g], c[g]);
    sine[g] = (DoubleLanes)((LongLanes)first ^ ((quadrant & 2) << 62));
    cosine[g] = (DoubleLanes)((LongLanes)second ^ (((quadrant + 1) & 2) << 62));
  }
}

#endif
