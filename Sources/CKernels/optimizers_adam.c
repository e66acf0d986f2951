// Adam and its relatives: running means of the gradient and of its square, or of its largest size.
#include "CKernels_optimizers_adam.h"
#include "optimizers.h"

/// Moves both means; `g` is the gradient.
#define UPDATE_MEANS(m, v, g, step)                                                               \
  m = m + (g - m) * (step)->mean_rate;                                                            \
  v = v * (step)->variance_keep + (g * g) * (step)->variance_rate

INLINE void adam_lanes(float *parameters, const float *gradient, float *mean, float *variance,
                       int64_t n, const CKernels_AdamStep *step) {
  ask_ahead(parameters);
  ask_ahead(gradient);
  ask_ahead(mean);
  ask_ahead(variance);
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  Lanes m = lanes_read(mean, n);
  Lanes v = lanes_read(variance, n);
  UPDATE_MEANS(m, v, g, step);
  const Lanes root = __builtin_elementwise_sqrt(v) * step->variance_correction + step->epsilon;
  p = p * step->keep - (m / root) * step->step_size;
  lanes_write(mean, m, n);
  lanes_write(variance, v, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_adam(float *parameters, const float *gradient, float *mean, float *variance,
                   int64_t count, CKernels_AdamStep step) {
  FOR_EACH_LANES(count, adam_lanes(parameters + i, gradient + i, mean + i, variance + i, n, &step));
}

INLINE void nadam_lanes(float *parameters, const float *gradient, float *mean, float *variance,
                        int64_t n, const CKernels_AdamStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  Lanes m = lanes_read(mean, n);
  Lanes v = lanes_read(variance, n);
  UPDATE_MEANS(m, v, g, step);
  const Lanes root = __builtin_elementwise_sqrt(v) * step->variance_correction + step->epsilon;
  p = p * step->keep - (g * step->gradient_step + m * step->step_size) / root;
  lanes_write(mean, m, n);
  lanes_write(variance, v, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_nadam(float *parameters, const float *gradient, float *mean, float *variance,
                    int64_t count, CKernels_AdamStep step) {
  FOR_EACH_LANES(
      count, nadam_lanes(parameters + i, gradient + i, mean + i, variance + i, n, &step));
}

INLINE void radam_lanes(float *parameters, const float *gradient, float *mean, float *variance,
                        int64_t n, const CKernels_AdamStep *step, int is_adaptive) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  Lanes m = lanes_read(mean, n);
  Lanes v = lanes_read(variance, n);
  UPDATE_MEANS(m, v, g, step);
  Lanes direction = m;
  if (is_adaptive) direction = m / (__builtin_elementwise_sqrt(v) + step->epsilon);
  p = p * step->keep - direction * step->step_size;
  lanes_write(mean, m, n);
  lanes_write(variance, v, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_radam(float *parameters, const float *gradient, float *mean, float *variance,
                    int64_t count, CKernels_AdamStep step, int is_adaptive) {
  if (is_adaptive) {
    FOR_EACH_LANES(
        count, radam_lanes(parameters + i, gradient + i, mean + i, variance + i, n, &step, 1));
  } else {
    FOR_EACH_LANES(
        count, radam_lanes(parameters + i, gradient + i, mean + i, variance + i, n, &step, 0));
  }
}

INLINE void adamax_lanes(float *parameters, const float *gradient, float *mean, float *largest,
                         int64_t n, const CKernels_AdamStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  Lanes m = lanes_read(mean, n);
  m = m + (g - m) * step->mean_rate;
  const Lanes size = lanes_magnitude(g) + step->epsilon;
  Lanes u = lanes_read(largest, n) * step->variance_keep;
  u = lanes_choose(u > size, u, size);
  p = p * step->keep - (m / u) * step->step_size;
  lanes_write(mean, m, n);
  lanes_write(largest, u, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_adamax(float *parameters, const float *gradient, float *mean, float *largest,
                     int64_t count, CKernels_AdamStep step) {
  FOR_EACH_LANES(
      count, adamax_lanes(parameters + i, gradient + i, mean + i, largest + i, n, &step));
}

INLINE void lion_lanes(float *parameters, const float *gradient, float *mean, int64_t n,
                       const CKernels_LionStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_read(gradient, n) * step->gradient_scale;
  Lanes m = lanes_read(mean, n);
  const Lanes blend = m * step->blend_keep + g * step->blend_rate;
  const Lanes sign = lanes_sign(blend);
  p = p * step->keep - sign * step->learning_rate;
  m = m * step->mean_keep + g * step->mean_rate;
  lanes_write(mean, m, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_lion(float *parameters, const float *gradient, float *mean, int64_t count,
                   CKernels_LionStep step) {
  FOR_EACH_LANES(count, lion_lanes(parameters + i, gradient + i, mean + i, n, &step));
}

INLINE void adam_direction_lanes(const float *parameters, float *gradient, float *mean,
                                 float *variance, int64_t n, const CKernels_AdamStep *step) {
  const Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_read(gradient, n) * step->gradient_scale;
  Lanes m = lanes_read(mean, n);
  Lanes v = lanes_read(variance, n);
  UPDATE_MEANS(m, v, g, step);
  const Lanes root = __builtin_elementwise_sqrt(v) * step->variance_correction + step->epsilon;
  const Lanes direction = (m / root) * step->step_size + p * step->decay;
  lanes_write(mean, m, n);
  lanes_write(variance, v, n);
  lanes_write(gradient, direction, n);
}

MULTIVERSIONED
void CKernels_adamDirection(const float *parameters, float *gradient, float *mean,
                            float *variance, int64_t count, CKernels_AdamStep step) {
  FOR_EACH_LANES(
      count, adam_direction_lanes(parameters + i, gradient + i, mean + i, variance + i, n, &step));
}
