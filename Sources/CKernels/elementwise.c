#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"
#include "lanes_math.h"
#include "products_and_sums.h"

MULTIVERSIONED void CKernels_accumulate(
    const float *source, float *destination, int64_t count) {
  FOR_LANES(count)
  lanes_write(
      destination + i, lanes_read(destination + i, n) + lanes_read(source + i, n), n);
}

MULTIVERSIONED void CKernels_accumulateScaled(
    const float *source, float scale, float *destination, int64_t count) {
  FOR_LANES(count)
  lanes_write(
      destination + i, lanes_read(destination + i, n) + lanes_read(source + i, n) * scale, n);
}

MULTIVERSIONED void CKernels_add(
    const float *a, const float *b, float *destination, int64_t count) {
  FOR_LANES(count) lanes_write(destination + i, lanes_read(a + i, n) + lanes_read(b + i, n), n);
}

MULTIVERSIONED void CKernels_multiply(
    const float *a, const float *b, float *destination, int64_t count, int adds) {
  FOR_LANES(count) {
    Lanes product = lanes_read(a + i, n) * lanes_read(b + i, n);
    lanes_write(destination + i, adds ? lanes_read(destination + i, n) + product : product, n);
  }
}

MULTIVERSIONED void CKernels_multiplyAndSum(
    const float *a, const float *b, float *products, float *sums, int64_t rows, int64_t columns,
    int64_t stride) {
  MULTIPLY_AND_SUM(lanes_write(products + place, product, n))
}

MULTIVERSIONED void CKernels_divide(
    const float *a, const float *b, float *destination, int64_t count, int adds) {
  FOR_LANES(count) {
    Lanes quotient = lanes_read(a + i, n) / lanes_read(b + i, n);
    lanes_write(destination + i, adds ? lanes_read(destination + i, n) + quotient : quotient, n);
  }
}

MULTIVERSIONED void CKernels_divideBackward(
    const float *gradient, const float *a, const float *b, float *destination, int64_t count,
    int adds) {
  FOR_LANES(count) {
    // b² would be infinite or zero long before the quotients are.
    Lanes divisor = lanes_read(b + i, n);
    Lanes quotient = lanes_read(a + i, n) / divisor;
    Lanes slope = -(lanes_read(gradient + i, n) * quotient) / divisor;
    lanes_write(destination + i, adds ? lanes_read(destination + i, n) + slope : slope, n);
  }
}

void CKernels_logarithm(const float *inputs, float *outputs, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    double x = inputs[i];
    outputs[i] = x > 0 ? (float)natural_log(x) : x == 0 ? -__builtin_inff() : __builtin_nanf("");
  }
}

MULTIVERSIONED void CKernels_scale(
    const float *source, float scale, float *destination, int64_t count) {
  FOR_LANES(count) lanes_write(destination + i, lanes_read(source + i, n) * scale, n);
}

MULTIVERSIONED void CKernels_exponential(const float *inputs, float *outputs, int64_t count) {
  FOR_VECTORS(count, { vector_write(outputs + i, lanes_exp(vector_read(inputs + i, n)), n); });
}

/// The sums of `width` lanes of columns, at most STRIP: side by side, so that whole cache lines and
/// few pages are read at a time. Only the last lanes can be fewer than sixteen: `last` of them.
#define STRIP 8
INLINE void sum_strip(
    const float *values, float *sums, int64_t rows, int64_t stride, int adds, int width,
    int64_t last) {
  Lanes totals[STRIP];
  for (int lane = 0; lane < width; lane++) {
    int64_t n = lane == width - 1 ? last : LANE_COUNT;
    totals[lane] = adds ? lanes_read(sums + lane * LANE_COUNT, n) : (Lanes){0};
  }
  for (int64_t block = 0; block < rows; block += 64) {
    int64_t end = block + 64 < rows ? block + 64 : rows;
    Lanes parts[STRIP];
    for (int lane = 0; lane < width; lane++) parts[lane] = (Lanes){0};
    for (int64_t row = block; row < end; row++) {
      const float *line = values + row * stride;
      for (int lane = 0; lane < width; lane++) {
        int64_t n = lane == width - 1 ? last : LANE_COUNT;
        parts[lane] += lanes_read(line + lane * LANE_COUNT, n);
      }
    }
    for (int lane = 0; lane < width; lane++) totals[lane] += parts[lane];
  }
  for (int lane = 0; lane < width; lane++) {
    int64_t n = lane == width - 1 ? last : LANE_COUNT;
    lanes_write(sums + lane * LANE_COUNT, totals[lane], n);
  }
}

MULTIVERSIONED void CKernels_columnSums(
    const float *values, float *sums, int64_t rows, int64_t columns, int64_t stride, int adds) {
  int64_t i = 0;
  for (; i + STRIP * LANE_COUNT <= columns; i += STRIP * LANE_COUNT) {
    sum_strip(values + i, sums + i, rows, stride, adds, STRIP, LANE_COUNT);
  }
  for (; i < columns; i += LANE_COUNT) {
    int64_t n = columns - i < LANE_COUNT ? columns - i : LANE_COUNT;
    sum_strip(values + i, sums + i, rows, stride, adds, 1, n);
  }
}

MULTIVERSIONED float CKernels_sum(const float *values, int64_t count) {
  Lanes total = {0};
  FOR_LANES(count) total += lanes_read(values + i, n);
  return lanes_sum(total);
}

MULTIVERSIONED float CKernels_dot(const float *a, const float *b, int64_t count) {
  Lanes total = {0};
  FOR_LANES(count) total += lanes_read(a + i, n) * lanes_read(b + i, n);
  return lanes_sum(total);
}
