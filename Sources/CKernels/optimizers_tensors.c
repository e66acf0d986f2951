// What methods that look at whole tensors need: products and sums in double, in one fixed order,
// and updates by a direction that was found before.
#include "CKernels_optimizers_tensors.h"
#include "double_math.h"
#include "optimizers.h"

typedef struct {
  DoubleLanes low, high;
} Sums;

#define HALF_LANES(lanes, ...)                                                                    \
  __builtin_convertvector(__builtin_shufflevector(lanes, lanes, __VA_ARGS__), DoubleLanes)

INLINE void add_products(Sums *sums, const float *a, const float *b, int64_t n) {
  const Lanes x = lanes_read(a, n), y = lanes_read(b, n);
  sums->low += HALF_LANES(x, 0, 1, 2, 3, 4, 5, 6, 7) * HALF_LANES(y, 0, 1, 2, 3, 4, 5, 6, 7);
  sums->high +=
      HALF_LANES(x, 8, 9, 10, 11, 12, 13, 14, 15) * HALF_LANES(y, 8, 9, 10, 11, 12, 13, 14, 15);
}

INLINE void add_magnitudes(Sums *sums, const float *values, int64_t n) {
  const Lanes x = lanes_read(values, n);
  const Lanes size = lanes_magnitude(x);
  sums->low += HALF_LANES(size, 0, 1, 2, 3, 4, 5, 6, 7);
  sums->high += HALF_LANES(size, 8, 9, 10, 11, 12, 13, 14, 15);
}

INLINE double sums_total(const Sums *sums) {
  const DoubleLanes eight = sums->low + sums->high;
  double four[4];
  for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

MULTIVERSIONED
double CKernels_sumProducts(const float *a, const float *b, int64_t count) {
  Sums sums = {{0}, {0}};
  FOR_EACH_LANES(count, add_products(&sums, a + i, b + i, n));
  return sums_total(&sums);
}

MULTIVERSIONED
double CKernels_sumMagnitudes(const float *values, int64_t count) {
  Sums sums = {{0}, {0}};
  FOR_EACH_LANES(count, add_magnitudes(&sums, values + i, n));
  return sums_total(&sums);
}

INLINE void add_row_squares(double *sums, const float *row, int64_t n) {
  for (int64_t k = 0; k < n; k++) sums[k] += (double)row[k] * (double)row[k];
}

MULTIVERSIONED
void CKernels_columnSquares(const float *values, double *sums, int64_t rows, int64_t columns,
                            int64_t stride) {
  for (int64_t column = 0; column < columns; column++) sums[column] = 0;
  for (int64_t row = 0; row < rows; row++) add_row_squares(sums, values + row * stride, columns);
}

INLINE void move_lanes(const float *parameters, float *direction, int64_t n, float keep,
                       float rate) {
  const Lanes p = lanes_read(parameters, n) * keep - lanes_read(direction, n) * rate;
  lanes_write(direction, p, n);
}

MULTIVERSIONED
void CKernels_moveAlong(const float *parameters, float *direction, float keep, float rate,
                        int64_t count) {
  FOR_EACH_LANES(count, move_lanes(parameters + i, direction + i, n, keep, rate));
}

INLINE void factored_lanes(float *gradient, const float *columns, int64_t n, float row,
                           float floor) {
  Lanes variance = lanes_read(columns, n) * row;
  variance = lanes_choose(variance > floor, variance, lanes_fill(floor));
  const Lanes direction = lanes_read(gradient, n) / __builtin_elementwise_sqrt(variance);
  lanes_write(gradient, direction, n);
}

MULTIVERSIONED
void CKernels_divideByFactoredRoot(float *gradient, const float *rows, const float *columns,
                                   int64_t rowCount, int64_t columnCount, float floor) {
  for (int64_t row = 0; row < rowCount; row++) {
    float *line = gradient + row * columnCount;
    FOR_EACH_LANES(columnCount, factored_lanes(line + i, columns + i, n, rows[row], floor));
  }
}

double CKernels_power(double base, double exponent) {
  double x = exponent * natural_log(base);
  return natural_exp(x < -700 ? -700 : x > 700 ? 700 : x);
}
