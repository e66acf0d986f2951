#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"
#include "lanes_math.h"

INLINE int64_t visible_columns(int64_t visible, int64_t step, int64_t row, int64_t columns) {
  int64_t count = visible + row * step;
  return count < columns ? count : columns;
}

INLINE float row_maximum(const float *row, int64_t count) {
  if (count < LANE_COUNT) {
    float largest = row[0];
    for (int64_t i = 1; i < count; i++) largest = row[i] > largest ? row[i] : largest;
    return largest;
  }
  Lanes largest = lanes_load(row);
  for (int64_t i = LANE_COUNT; i < count; i += LANE_COUNT) {
    // The last sixteen may overlap those before.
    Lanes x = lanes_load(row + (i + LANE_COUNT <= count ? i : count - LANE_COUNT));
    largest = lanes_choose(x > largest, x, largest);
  }
  return lanes_maximum_of(&largest);
}

/// As FOR_LANES over the visible columns, where `width` elements may be read and written: all sixteen
/// wherever the row has them, though fewer may be visible. What is hidden is cleared afterwards.
#define FOR_VISIBLE_LANES                                                                         \
  for (int64_t i = 0, n, width; n = count - i < LANE_COUNT ? count - i : LANE_COUNT,              \
               width = i + LANE_COUNT <= columns ? LANE_COUNT : n, i < count;                     \
       i += LANE_COUNT)

MULTIVERSIONED void CKernels_softmaxForward(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, float *maxima, float *inverseSums) {
  for (int64_t r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    int64_t count = visible_columns(visible, step, r, columns);
    float maximum = row_maximum(row, count) * scale;
    Lanes sum = {0};
    FOR_VISIBLE_LANES {
      Lanes e = lanes_exp(lanes_read(row + i, width) * scale - maximum);
      if (n < LANE_COUNT) e = lanes_keep(e, n);
      lanes_write(row + i, e, width);
      sum += e;
    }
    float inverse = 1.0f / lanes_sum(sum);
    FOR_VISIBLE_LANES lanes_write(row + i, lanes_read(row + i, width) * inverse, width);
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
    FOR_VISIBLE_LANES
    lanes_write(
        row + i, lanes_exp(lanes_read(row + i, width) * scale - maximum) * inverse, width);
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

MULTIVERSIONED void CKernels_distillation(
    float *logits, const float *teacher, const int32_t *targets, float *losses, float temperature,
    float weight, int differentiates, int64_t rows, int64_t columns) {
  float sharpness = 1.0f / temperature;
  for (int64_t r = 0; r < rows; r++) {
    float *row = logits + r * columns;
    const float *known = teacher + r * columns;
    int32_t target = targets[r];
    if (target < 0) {
      losses[r] = 0;
      if (differentiates) memset(row, 0, (size_t)columns * sizeof(float));
      continue;
    }
    float maximum = row_maximum(row, columns), knownMaximum = row_maximum(known, columns);
    Lanes sum = {0}, softSum = {0}, knownSum = {0}, apart = {0};
    FOR_LANES(columns) {
      Lanes x = lanes_read(row + i, n) - maximum, y = lanes_read(known + i, n) - knownMaximum;
      Lanes e = lanes_exp(x), soft = lanes_exp(x * sharpness), p = lanes_exp(y * sharpness);
      Lanes difference = p * (y - x);
      if (n < LANE_COUNT) {
        e = lanes_keep(e, n);
        soft = lanes_keep(soft, n);
        p = lanes_keep(p, n);
        difference = lanes_keep(difference, n);
      }
      sum += e;
      softSum += soft;
      knownSum += p;
      apart += difference;
    }
    float total = lanes_sum(sum), softTotal = lanes_sum(softSum), knownTotal = lanes_sum(knownSum);
    double divergence = (double)lanes_sum(apart) / knownTotal * sharpness + natural_log(softTotal) -
                        natural_log(knownTotal);
    losses[r] = (float)((1 - (double)weight) *
                            (natural_log(total) - ((double)row[target] - maximum)) +
                        (double)weight * temperature * temperature * divergence);
    if (!differentiates) continue;
    float hard = (1 - weight) / total, softFactor = weight * temperature / softTotal;
    float knownFactor = weight * temperature / knownTotal;
    FOR_LANES(columns) {
      Lanes x = lanes_read(row + i, n) - maximum, y = lanes_read(known + i, n) - knownMaximum;
      lanes_write(
          row + i,
          lanes_exp(x) * hard + lanes_exp(x * sharpness) * softFactor -
              lanes_exp(y * sharpness) * knownFactor,
          n);
    }
    row[target] -= 1 - weight;
  }
}
