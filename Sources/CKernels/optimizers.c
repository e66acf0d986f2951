// Each kernel is its step on up to sixteen elements, and a walk over the span. The step is given
// the constant 16 for all but the last elements, so that no branch is left in the loop.
#include "lanes.h"
#include "CKernels_optimizers.h"

INLINE void adamw_lanes(float *parameters, const float *gradient, float *mean, float *variance,
                        int64_t n, const CKernels_AdamWStep *step) {
  const Lanes g = lanes_read(gradient, n) * step->gradient_scale;
  Lanes m = lanes_read(mean, n);
  Lanes v = lanes_read(variance, n);
  Lanes p = lanes_read(parameters, n);
  m = m + (g - m) * step->mean_rate;
  v = v * step->variance_keep + (g * g) * step->variance_rate;
  const Lanes root = __builtin_elementwise_sqrt(v) * step->variance_correction + step->epsilon;
  p = p * step->keep - (m / root) * step->step_size;
  lanes_write(mean, m, n);
  lanes_write(variance, v, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_adamW(float *parameters, const float *gradient, float *mean, float *variance,
                    int64_t count, CKernels_AdamWStep step) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT)
    adamw_lanes(parameters + i, gradient + i, mean + i, variance + i, LANE_COUNT, &step);
  if (i < count)
    adamw_lanes(parameters + i, gradient + i, mean + i, variance + i, count - i, &step);
}

INLINE void momentum_lanes(float *parameters, const float *gradient, float *velocity, int64_t n,
                           const CKernels_SGDStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_read(gradient, n) * step->gradient_scale + p * step->decay;
  const Lanes v = lanes_read(velocity, n) * step->momentum + g;
  p = p - v * step->learning_rate;
  lanes_write(velocity, v, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_sgdWithMomentum(float *parameters, const float *gradient, float *velocity,
                              int64_t count, CKernels_SGDStep step) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT)
    momentum_lanes(parameters + i, gradient + i, velocity + i, LANE_COUNT, &step);
  if (i < count) momentum_lanes(parameters + i, gradient + i, velocity + i, count - i, &step);
}

INLINE void sgd_lanes(float *parameters, const float *gradient, int64_t n,
                      const CKernels_SGDStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_read(gradient, n) * step->gradient_scale + p * step->decay;
  p = p - g * step->learning_rate;
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_sgd(float *parameters, const float *gradient, int64_t count, CKernels_SGDStep step) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT)
    sgd_lanes(parameters + i, gradient + i, LANE_COUNT, &step);
  if (i < count) sgd_lanes(parameters + i, gradient + i, count - i, &step);
}
