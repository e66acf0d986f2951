#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"

void CKernels_rotaryFrequencies(double base, int64_t width, float *frequencies) {
  for (int64_t j = 0; j < width / 2; j++) {
    float exponent = (float)(2 * j) / (float)width;
    float power = (float)natural_exp((double)exponent * natural_log(base));
    frequencies[j] = 1.0f / power;
  }
}

void CKernels_rotaryTable(
    const float *frequencies, int64_t count, int64_t start, int64_t positions, float *cosines,
    float *sines) {
  for (int64_t t = 0; t < positions; t++) {
    for (int64_t j = 0; j < count; j++) {
      float angle = (float)(start + t) * frequencies[j];
      double sine, cosine;
      sine_and_cosine(angle, &sine, &cosine);
      cosines[t * count + j] = (float)cosine;
      sines[t * count + j] = (float)sine;
    }
  }
}

MULTIVERSIONED void CKernels_rotate(
    const float *inputs, int64_t inputStride, float *outputs, int64_t outputStride,
    const float *cosines, const float *sines, int64_t positions, int64_t heads, int64_t half,
    float direction, int adds) {
  for (int64_t t = 0; t < positions; t++) {
    for (int64_t head = 0; head < heads; head++) {
      const float *x = inputs + t * inputStride + head * 2 * half;
      float *y = outputs + t * outputStride + head * 2 * half;
      FOR_LANES(half) {
        Lanes first = lanes_read(x + i, n), second = lanes_read(x + half + i, n);
        Lanes c = lanes_read(cosines + t * half + i, n);
        Lanes s = lanes_read(sines + t * half + i, n) * direction;
        Lanes turned_first = first * c - second * s, turned_second = second * c + first * s;
        if (adds) {
          turned_first += lanes_read(y + i, n);
          turned_second += lanes_read(y + half + i, n);
        }
        lanes_write(y + i, turned_first, n);
        lanes_write(y + half + i, turned_second, n);
      }
    }
  }
}
