#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"
#include "lanes_math.h"

INLINE int64_t visible_columns(int64_t visible, int64_t step, int64_t row, int64_t columns) {
  int64_t count = visible + row * step;
  return count < columns ? count : columns;
}

INLINE float row_maximum(const float *row, int64_t count) {
  Lanes largest = lanes_fill(row[0]);
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT) {
    Lanes x = lanes_load(row + i);
    largest = lanes_choose(x > largest, x, largest);
  }
  float m = lanes_maximum_of(&largest);
  for (; i < count; i++) m = row[i] > m ? row[i] : m;
  return m;
}

MULTIVERSIONED void CKernels_softmaxForward(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, float *maxima, float *inverseSums) {
  for (int64_t r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    int64_t count = visible_columns(visible, step, r, columns);
    float maximum = row_maximum(row, count) * scale;
    Lanes sum = {0};
    FOR_LANES(count) {
      Lanes e = lanes_exp(lanes_read(row + i, n) * scale - maximum);
      if (n < LANE_COUNT) e = lanes_keep(e, n);
      lanes_write(row + i, e, n);
      sum += e;
    }
    float inverse = 1.0f / lanes_sum(sum);
    FOR_LANES(count) lanes_write(row + i, lanes_read(row + i, n) * inverse, n);
    memset(row + count, 0, (size_t)(columns - count) * sizeof(float));
    maxima[r] = maximum;
    inverseSums[r] = inverse;
  }
}

MULTIVERSIONED void CKernels_softmaxAgain(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, const float *maxima, const float *inverseSums) {
  for (int64_t r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    int64_t count = visible_columns(visible, step, r, columns);
    float maximum = maxima[r], inverse = inverseSums[r];
    FOR_LANES(count)
    lanes_write(row + i, lanes_exp(lanes_read(row + i, n) * scale - maximum) * inverse, n);
    memset(row + count, 0, (size_t)(columns - count) * sizeof(float));
  }
}

MULTIVERSIONED void CKernels_softmaxBackward(
    const float *probabilities, float *probabilityGradient, const float *dot, float scale,
    int64_t rows, int64_t columns, int64_t stride) {
  for (int64_t r = 0; r < rows; r++) {
    const float *p = probabilities + r * stride;
    float *gradient = probabilityGradient + r * stride;
    float d = dot[r];
    FOR_LANES(columns)
    lanes_write(
        gradient + i, lanes_read(p + i, n) * (lanes_read(gradient + i, n) - d) * scale, n);
  }
}

/// The sum of a row, each element less `maximum`.
INLINE float row_sum_below(const float *row, float maximum, int64_t count) {
  Lanes sum = {0};
  FOR_LANES(count) {
    Lanes x = lanes_read(row + i, n) - maximum;
    sum += n < LANE_COUNT ? lanes_keep(x, n) : x;
  }
  return lanes_sum(sum);
}

MULTIVERSIONED void CKernels_crossEntropy(
    float *logits, const int32_t *targets, float *losses, float smoothing, float gradientScale,
    int64_t rows, int64_t columns, int64_t stride) {
  float even = gradientScale * smoothing / columns;
  for (int64_t r = 0; r < rows; r++) {
    float *row = logits + r * stride;
    int32_t target = targets[r];
    if (target < 0) {
      losses[r] = 0;
      if (gradientScale != 0) memset(row, 0, (size_t)columns * sizeof(float));
      continue;
    }
    float maximum = row_maximum(row, columns);
    double expected = (double)row[target] - maximum;
    if (smoothing != 0) {
      double mean = (double)row_sum_below(row, maximum, columns) / columns;
      expected = (1 - (double)smoothing) * expected + smoothing * mean;
    }
    Lanes sum = {0};
    FOR_LANES(columns) {
      Lanes e = lanes_exp(lanes_read(row + i, n) - maximum);
      if (n < LANE_COUNT) e = lanes_keep(e, n);
      if (gradientScale != 0) lanes_write(row + i, e, n);
      sum += e;
    }
    float total = lanes_sum(sum);
    losses[r] = (float)(natural_log(total) - expected);
    if (gradientScale != 0) {
      float factor = gradientScale / total;
      FOR_LANES(columns) lanes_write(row + i, lanes_read(row + i, n) * factor - even, n);
      row[target] -= gradientScale * (1 - smoothing);
    }
  }
}
