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

/// The sum of e^(x scale - maximum) of the first `count` of a row's columns: of Lanes, one after the other. If
/// `keeps`, they take the place of x; columns after them then mean nothing.
INLINE float exponentiate(
    float *row, float scale, float maximum, int64_t count, int64_t columns, int keeps) {
  Lanes sum = {0};
  int64_t i = 0;
  for (; i < count && i + WIDE_COUNT <= columns; i += WIDE_COUNT) {
    WideLanes e;
    memcpy(&e, row + i, sizeof e);
    e = lanes_exp(e * scale - maximum);
    if (keeps) memcpy(row + i, &e, sizeof e);
    int64_t left = count - i;
    UNROLLED for (int part = 0; part < WIDE_COUNT / LANE_COUNT; part++, left -= LANE_COUNT) {
      Lanes some = wide_part(e, part);
      if (left < LANE_COUNT) some = lanes_keep(some, left);
      sum += some;
    }
  }
  for (; i < count; i += LANE_COUNT) {
    int64_t n = count - i < LANE_COUNT ? count - i : LANE_COUNT;
    int64_t width = i + LANE_COUNT <= columns ? LANE_COUNT : n;
    Lanes e = lanes_exp(lanes_read(row + i, width) * scale - maximum);
    if (n < LANE_COUNT) e = lanes_keep(e, n);
    if (keeps) lanes_write(row + i, e, width);
    sum += e;
  }
  return lanes_sum(sum);
}

/// Multiplies the first `count` of a row's columns, and clears the others.
INLINE void scale_visible(float *row, float factor, int64_t count, int64_t columns) {
  for (int64_t i = 0; i < count; i += LANE_COUNT) {
    int64_t width = columns - i < LANE_COUNT ? columns - i : LANE_COUNT;
    lanes_write(row + i, lanes_read(row + i, width) * factor, width);
  }
  memset(row + count, 0, (size_t)(columns - count) * sizeof(float));
}

/// Rows whose maxima are sought, then all exponentials computed, then all divided: what comes next in one row
/// waits for the last of what came before in it.
#define ROWS_TOGETHER 8

MULTIVERSIONED void CKernels_softmaxForward(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, float *maxima, float *inverseSums) {
  for (int64_t first = 0; first < rows; first += ROWS_TOGETHER) {
    int64_t end = first + ROWS_TOGETHER < rows ? first + ROWS_TOGETHER : rows;
    for (int64_t r = first; r < end; r++)
      maxima[r] =
          row_maximum(scores + r * stride, visible_columns(visible, step, r, columns)) * scale;
    for (int64_t r = first; r < end; r++) {
      int64_t count = visible_columns(visible, step, r, columns);
      inverseSums[r] =
          1.0f / exponentiate(scores + r * stride, scale, maxima[r], count, columns, 1);
    }
    for (int64_t r = first; r < end; r++) {
      int64_t count = visible_columns(visible, step, r, columns);
      scale_visible(scores + r * stride, inverseSums[r], count, columns);
    }
  }
}

MULTIVERSIONED void CKernels_softmaxAgain(
    float *scores, float scale, int64_t rows, int64_t columns, int64_t stride, int64_t visible,
    int64_t step, const float *maxima, const float *inverseSums) {
  for (int64_t r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    int64_t count = visible_columns(visible, step, r, columns);
    exponentiate(row, scale, maxima[r], count, columns, 1);
    scale_visible(row, inverseSums[r], count, columns);
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
    float total = gradientScale != 0 ? exponentiate(row, 1, maximum, columns, columns, 1)
                                     : exponentiate(row, 1, maximum, columns, columns, 0);
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
