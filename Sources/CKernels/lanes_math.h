// Elementary functions on lanes, from basic operations alone: the same bits on every processor.
#ifndef CKERNELS_LANES_MATH_H
#define CKERNELS_LANES_MATH_H

#include "lanes.h"

/// e^x within 1 unit in the last place, of Lanes or WideLanes; x is clamped to [-87.3, 88.3], so nothing
/// overflows and nothing becomes denormal. Range reduction by ln 2 in two parts (Cody and Waite), then the
/// degree-6 polynomial of Cephes' expf.
#define lanes_exp(x)                                                                              \
  ({                                                                                              \
    __typeof__(-(x)) exponential_ = (x);                                                          \
    _Generic(exponential_, Lanes: lanes_exp_in_place, WideLanes: wide_exp_in_place)(              \
        &exponential_);                                                                           \
    exponential_;                                                                                 \
  })

#define VECTOR Lanes
#define INT_VECTOR IntLanes
#define FORM(name) lanes_##name
#include "lanes_math_form.h"
#undef VECTOR
#undef INT_VECTOR
#undef FORM

#define VECTOR WideLanes
#define INT_VECTOR WideIntLanes
#define FORM(name) wide_##name
#include "lanes_math_form.h"
#undef VECTOR
#undef INT_VECTOR
#undef FORM

/// 1 / (1 + e^-x).
#define lanes_sigmoid(x) (1.0f / (1.0f + lanes_exp(-(x))))

/// tanh x = 2 sigmoid(2x) - 1; the absolute error is below 2e-7.
#define lanes_tanh(x) (2.0f * lanes_sigmoid(2.0f * (x)) - 1.0f)

#endif
