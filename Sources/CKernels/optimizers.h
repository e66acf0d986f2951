// The walk that all optimiser kernels share: a step on up to sixteen elements, over a span.
#ifndef CKERNELS_OPTIMIZERS_WALK_H
#define CKERNELS_OPTIMIZERS_WALK_H

#include "lanes.h"

/// Evaluates `call` for i = 0, 16, 32, … with n elements each. n is the constant 16 for all but the
/// last, so that no branch is left in the loop.
#define FOR_EACH_LANES(count, call)                                                               \
  do {                                                                                            \
    int64_t i = 0;                                                                                \
    for (; i + LANE_COUNT <= (count); i += LANE_COUNT) {                                          \
      const int64_t n = LANE_COUNT;                                                               \
      call;                                                                                       \
    }                                                                                             \
    if (i < (count)) {                                                                            \
      const int64_t n = (count) - i;                                                              \
      call;                                                                                       \
    }                                                                                             \
  } while (0)

/// |x|: without the sign bit.
#define lanes_magnitude(x) ((Lanes)((IntLanes)(x) & 0x7FFFFFFF))

/// -1, 0 or 1.
#define lanes_sign(x)                                                                             \
  (lanes_choose((x) > 0, lanes_fill(1.0f), lanes_fill(0.0f))                                      \
   - lanes_choose((x) < 0, lanes_fill(1.0f), lanes_fill(0.0f)))

/// scale · gradient + decay · parameter: the gradient with clipping and L2 decay.
#define lanes_gradient(gradient, parameters, step)                                                \
  ((gradient) * (step)->gradient_scale + (parameters) * (step)->decay)

#endif
