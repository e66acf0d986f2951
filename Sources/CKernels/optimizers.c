#include "CKernels_optimizers.h"
#include "optimizers.h"

INLINE void momentum_lanes(float *parameters, const float *gradient, float *velocity, int64_t n,
                           const CKernels_SGDStep *step, int is_nesterov) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  const Lanes v = lanes_read(velocity, n) * step->momentum + g;
  const Lanes direction = is_nesterov ? g + v * step->momentum : v;
  p = p - direction * step->learning_rate;
  lanes_write(velocity, v, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_sgdWithMomentum(float *parameters, const float *gradient, float *velocity,
                              int64_t count, CKernels_SGDStep step) {
  if (step.is_nesterov) {
    FOR_EACH_LANES(count, momentum_lanes(parameters + i, gradient + i, velocity + i, n, &step, 1));
  } else {
    FOR_EACH_LANES(count, momentum_lanes(parameters + i, gradient + i, velocity + i, n, &step, 0));
  }
}

INLINE void sgd_lanes(float *parameters, const float *gradient, int64_t n,
                      const CKernels_SGDStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  p = p - g * step->learning_rate;
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_sgd(float *parameters, const float *gradient, int64_t count, CKernels_SGDStep step) {
  FOR_EACH_LANES(count, sgd_lanes(parameters + i, gradient + i, n, &step));
}

INLINE void regularize_lanes(float *gradient, const float *parameters, int64_t n,
                             const CKernels_Regularization *step) {
  Lanes g = lanes_read(gradient, n) * step->gradient_scale;
  const Lanes high = lanes_fill(step->largest_value), low = -high;
  g = lanes_choose(g > high, high, g);
  g = lanes_choose(g < low, low, g);
  const Lanes p = lanes_read(parameters, n);
  const Lanes sign = lanes_sign(p);
  g = g + sign * step->magnitude_penalty;
  lanes_write(gradient, g, n);
}

MULTIVERSIONED
void CKernels_regularizeGradient(float *gradient, const float *parameters, int64_t count,
                                 CKernels_Regularization step) {
  FOR_EACH_LANES(count, regularize_lanes(gradient + i, parameters + i, n, &step));
}

INLINE void approach_lanes(float *values, const float *target, int64_t n, float rate) {
  Lanes v = lanes_read(values, n);
  v = v + (lanes_read(target, n) - v) * rate;
  lanes_write(values, v, n);
}

MULTIVERSIONED
void CKernels_approach(float *values, const float *target, float rate, int64_t count) {
  FOR_EACH_LANES(count, approach_lanes(values + i, target + i, n, rate));
}
