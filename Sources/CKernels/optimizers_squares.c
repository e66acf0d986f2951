// Methods that divide by the root of summed or averaged squares: Adagrad, RMSprop, Adadelta.
#include "CKernels_optimizers_squares.h"
#include "optimizers.h"

INLINE void adagrad_lanes(float *parameters, const float *gradient, float *sum, int64_t n,
                          const CKernels_SquaresStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  const Lanes s = lanes_read(sum, n) + g * g;
  p = p - (g / (__builtin_elementwise_sqrt(s) + step->epsilon)) * step->learning_rate;
  lanes_write(sum, s, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_adagrad(float *parameters, const float *gradient, float *sum, int64_t count,
                      CKernels_SquaresStep step) {
  FOR_EACH_LANES(count, adagrad_lanes(parameters + i, gradient + i, sum + i, n, &step));
}

INLINE void rmsprop_lanes(float *parameters, const float *gradient, float *squares, float *mean,
                          float *velocity, int64_t n, const CKernels_SquaresStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  const Lanes s = lanes_read(squares, n) * step->squares_keep + (g * g) * step->squares_rate;
  Lanes variance = s;
  if (mean) {
    Lanes m = lanes_read(mean, n);
    m = m + (g - m) * step->squares_rate;
    variance = s - m * m;
    // Rounding can leave a little less than nothing.
    variance = lanes_choose(variance > 0, variance, lanes_fill(0.0f));
    lanes_write(mean, m, n);
  }
  Lanes direction = g / (__builtin_elementwise_sqrt(variance) + step->epsilon);
  if (velocity) {
    direction = lanes_read(velocity, n) * step->momentum + direction;
    lanes_write(velocity, direction, n);
  }
  p = p - direction * step->learning_rate;
  lanes_write(squares, s, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_rmsprop(float *parameters, const float *gradient, float *squares, float *mean,
                      float *velocity, int64_t count, CKernels_SquaresStep step) {
  FOR_EACH_LANES(
      count, rmsprop_lanes(parameters + i, gradient + i, squares + i, mean ? mean + i : mean,
                           velocity ? velocity + i : velocity, n, &step));
}

INLINE void adadelta_lanes(float *parameters, const float *gradient, float *squares, float *deltas,
                           int64_t n, const CKernels_SquaresStep *step) {
  Lanes p = lanes_read(parameters, n);
  const Lanes g = lanes_gradient(lanes_read(gradient, n), p, step);
  const Lanes s = lanes_read(squares, n) * step->squares_keep + (g * g) * step->squares_rate;
  Lanes d = lanes_read(deltas, n);
  const Lanes above = __builtin_elementwise_sqrt(d + step->epsilon);
  const Lanes below = __builtin_elementwise_sqrt(s + step->epsilon);
  const Lanes delta = (above / below) * g;
  d = d * step->squares_keep + (delta * delta) * step->squares_rate;
  p = p - delta * step->learning_rate;
  lanes_write(squares, s, n);
  lanes_write(deltas, d, n);
  lanes_write(parameters, p, n);
}

MULTIVERSIONED
void CKernels_adadelta(float *parameters, const float *gradient, float *squares, float *deltas,
                       int64_t count, CKernels_SquaresStep step) {
  FOR_EACH_LANES(
      count, adadelta_lanes(parameters + i, gradient + i, squares + i, deltas + i, n, &step));
}
