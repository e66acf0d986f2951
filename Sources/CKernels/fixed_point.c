#include <math.h>

#include "CKernels.h"
#include "lanes.h"

#define UNITS ((double)(1ull << CKERNELS_FRACTION_BITS))

MULTIVERSIONED void CKernels_addFixedPoint(
    const float *values, double scale, uint64_t *sum, int64_t count) {
  double units = scale * UNITS;
  for (int64_t i = 0; i < count; i++) {
    sum[i] += (uint64_t)(int64_t)rint((double)values[i] * units);
  }
}

MULTIVERSIONED void CKernels_addWords(const uint64_t *words, uint64_t *sum, int64_t count) {
  for (int64_t i = 0; i < count; i++) sum[i] += words[i];
}

MULTIVERSIONED void CKernels_fromFixedPoint(
    const uint64_t *words, float *values, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    values[i] = (float)((double)(int64_t)words[i] * (1 / UNITS));
  }
}

MULTIVERSIONED float CKernels_turnIntoChange(
    const float *start, float *values, int64_t count) {
  float largest = 0;
  int is_number = 1;
  for (int64_t i = 0; i < count; i++) {
    float change = start[i] - values[i];
    float magnitude = change < 0 ? -change : change;
    is_number &= change == change;
    largest = magnitude > largest ? magnitude : largest;
    values[i] = change;
  }
  return is_number ? largest : INFINITY;
}
