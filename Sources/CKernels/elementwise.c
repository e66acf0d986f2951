#include "CKernels.h"
#include "lanes.h"

MULTIVERSIONED void CKernels_accumulate(
    const float *source, float *destination, int64_t count) {
  FOR_LANES(count) lanes_write(destination + i, lanes_read(destination + i, n) + lanes_read(source + i, n), n);
}

MULTIVERSIONED void CKernels_accumulateScaled(
    const float *source, float scale, float *destination, int64_t count) {
  FOR_LANES(count)
  lanes_write(destination + i, lanes_read(destination + i, n) + lanes_read(source + i, n) * scale, n);
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

MULTIVERSIONED void CKernels_scale(
    const float *source, float scale, float *destination, int64_t count) {
  FOR_LANES(count) lanes_write(destination + i, lanes_read(source + i, n) * scale, n);
}

MULTIVERSIONED void CKernels_addBias(
    float *values, const float *bias, int64_t rows, int64_t columns, int64_t stride) {
  for (int64_t row = 0; row < rows; row++) {
    float *line = values + row * stride;
    FOR_LANES(columns) lanes_write(line + i, lanes_read(line + i, n) + lanes_read(bias + i, n), n);
  }
}

MULTIVERSIONED void CKernels_columnSums(
    const float *values, float *sums, int64_t rows, int64_t columns, int64_t stride, int adds) {
  FOR_LANES(columns) {
    Lanes total = adds ? lanes_read(sums + i, n) : (Lanes){0};
    for (int64_t block = 0; block < rows; block += 64) {
      int64_t end = block + 64 < rows ? block + 64 : rows;
      Lanes part = {0};
      for (int64_t row = block; row < end; row++) part += lanes_read(values + row * stride + i, n);
      total += part;
    }
    lanes_write(sums + i, total, n);
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
