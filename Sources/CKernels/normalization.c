#include <math.h>

#include "CKernels.h"
#include "lanes.h"

MULTIVERSIONED void CKernels_layerNormForward(
    const float *inputs, const float *weight, const float *bias, float epsilon, float *outputs,
    float *means, float *inverseDeviations, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *x = inputs + row * columns;
    float *y = outputs + row * columns;
    Lanes sum = {0};
    FOR_LANES(columns) sum += lanes_read(x + i, n);
    float mean = lanes_sum(sum) / (float)columns;
    // The second pass over the row, which is in the cache, gives the variance without cancellation.
    Lanes squares = {0};
    FOR_LANES(columns) {
      Lanes d = lanes_read(x + i, n) - mean;
      if (n < LANE_COUNT) d = lanes_keep(d, n);
      squares += d * d;
    }
    float inverse = 1.0f / sqrtf(lanes_sum(squares) / (float)columns + epsilon);
    FOR_LANES(columns) {
      Lanes result = (lanes_read(x + i, n) - mean) * inverse * lanes_read(weight + i, n);
      if (bias) result += lanes_read(bias + i, n);
      lanes_write(y + i, result, n);
    }
    means[row] = mean;
    inverseDeviations[row] = inverse;
  }
}

/// With h = (x - mean) * inverse and g = dy * weight:
/// dx = inverse * (g - average(g) - h * average(g h)).
MULTIVERSIONED void CKernels_layerNormBackward(
    const float *inputs, const float *weight, const float *means, const float *inverseDeviations,
    const float *outputGradient, float *inputGradient, int adds, float *weightSums,
    float *biasSums, int64_t rows, int64_t columns) {
  memset(weightSums, 0, (size_t)columns * sizeof(float));
  memset(biasSums, 0, (size_t)columns * sizeof(float));
  for (int64_t row = 0; row < rows; row++) {
    const float *x = inputs + row * columns, *dy = outputGradient + row * columns;
    float *dx = inputGradient + row * columns;
    float mean = means[row], inverse = inverseDeviations[row];
    Lanes g_sum = {0}, gh_sum = {0};
    FOR_LANES(columns) {
      Lanes d = lanes_read(dy + i, n), h = (lanes_read(x + i, n) - mean) * inverse;
      Lanes g = d * lanes_read(weight + i, n);
      g_sum += g;
      gh_sum += g * h;
      lanes_write(weightSums + i, lanes_read(weightSums + i, n) + d * h, n);
      lanes_write(biasSums + i, lanes_read(biasSums + i, n) + d, n);
    }
    float g_average = lanes_sum(g_sum) / (float)columns;
    float gh_average = lanes_sum(gh_sum) / (float)columns;
    FOR_LANES(columns) {
      Lanes h = (lanes_read(x + i, n) - mean) * inverse;
      Lanes g = lanes_read(dy + i, n) * lanes_read(weight + i, n);
      Lanes result = inverse * (g - g_average - h * gh_average);
      if (adds) result += lanes_read(dx + i, n);
      lanes_write(dx + i, result, n);
    }
  }
}

MULTIVERSIONED void CKernels_rmsNormForward(
    const float *inputs, const float *weight, float epsilon, float *outputs, float *inverseRoots,
    int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *x = inputs + row * columns;
    float *y = outputs + row * columns;
    Lanes squares = {0};
    FOR_LANES(columns) {
      Lanes v = lanes_read(x + i, n);
      squares += v * v;
    }
    float inverse = 1.0f / sqrtf(lanes_sum(squares) / (float)columns + epsilon);
    FOR_LANES(columns)
    lanes_write(y + i, lanes_read(x + i, n) * inverse * lanes_read(weight + i, n), n);
    inverseRoots[row] = inverse;
  }
}

/// With h = x * inverse and g = dy * weight: dx = inverse * (g - h * average(g h)).
MULTIVERSIONED void CKernels_rmsNormBackward(
    const float *inputs, const float *weight, const float *inverseRoots,
    const float *outputGradient, float *inputGradient, int adds, float *weightSums, int64_t rows,
    int64_t columns) {
  memset(weightSums, 0, (size_t)columns * sizeof(float));
  for (int64_t row = 0; row < rows; row++) {
    const float *x = inputs + row * columns, *dy = outputGradient + row * columns;
    float *dx = inputGradient + row * columns;
    float inverse = inverseRoots[row];
    Lanes gh_sum = {0};
    FOR_LANES(columns) {
      Lanes d = lanes_read(dy + i, n), h = lanes_read(x + i, n) * inverse;
      gh_sum += d * lanes_read(weight + i, n) * h;
      lanes_write(weightSums + i, lanes_read(weightSums + i, n) + d * h, n);
    }
    float gh_average = lanes_sum(gh_sum) / (float)columns;
    FOR_LANES(columns) {
      Lanes h = lanes_read(x + i, n) * inverse;
      Lanes g = lanes_read(dy + i, n) * lanes_read(weight + i, n);
      Lanes result = inverse * (g - h * gh_average);
      if (adds) result += lanes_read(dx + i, n);
      lanes_write(dx + i, result, n);
    }
  }
}
