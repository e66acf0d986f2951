#include <math.h>
#include <stdlib.h>

#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"

/// A uniform number above 0 and below 1, of 53 bits.
INLINE double unit(uint64_t word) { return ((double)(word >> 11) + 0.5) * 0x1p-53; }

MULTIVERSIONED void CKernels_addNoise(
    const uint64_t *words, double deviation, float *values, int64_t count) {
  for (int64_t pair = 0; pair * 2 < count; pair++) {
    const uint64_t *own = words + pair * CKERNELS_NOISE_WORDS;
    double first = 0, second = 0;
    for (int part = 0; part < 4; part++) {
      double radius = sqrt(-2 * natural_log(unit(own[2 * part])));
      double sine, cosine;
      sine_and_cosine(unit(own[2 * part + 1]) * 6.283185307179586, &sine, &cosine);
      first += radius * cosine;
      second += radius * sine;
    }
    int64_t i = pair * 2;
    values[i] = (float)((double)values[i] + deviation * (first * 0.5));
    if (i + 1 < count) values[i + 1] = (float)((double)values[i + 1] + deviation * (second * 0.5));
  }
}

MULTIVERSIONED void CKernels_addClipped(
    const float *source, double scale, float *values, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    values[i] = (float)((double)values[i] + scale * (double)source[i]);
  }
}

/// Brings the elements into the order of their indices read backwards, bit by bit.
static void reverse_bits(double *real, double *imaginary, int64_t count) {
  int64_t reversed = 0;
  for (int64_t i = 1; i < count; i++) {
    int64_t bit = count >> 1;
    for (; reversed & bit; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
    if (i < reversed) {
      double re = real[i], im = imaginary[i];
      real[i] = real[reversed], imaginary[i] = imaginary[reversed];
      real[reversed] = re, imaginary[reversed] = im;
    }
  }
}

void CKernels_fourierTransform(double *real, double *imaginary, int64_t count, int inverse) {
  if (count < 2) return;
  reverse_bits(real, imaginary, count);
  double *roots = malloc((size_t)count * sizeof(double));
  if (!roots) abort();
  double *cosines = roots, *sines = roots + count / 2;
  for (int64_t k = 0; k < count / 2; k++) {
    sine_and_cosine(6.283185307179586 * ((double)k / (double)count), &sines[k], &cosines[k]);
    if (!inverse) sines[k] = -sines[k];
  }
  for (int64_t half = 1; half < count; half *= 2) {
    int64_t stride = count / (2 * half);
    for (int64_t start = 0; start < count; start += 2 * half) {
      for (int64_t k = 0; k < half; k++) {
        double c = cosines[k * stride], s = sines[k * stride];
        int64_t a = start + k, b = a + half;
        double re = real[b] * c - imaginary[b] * s, im = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - re, imaginary[b] = imaginary[a] - im;
        real[a] += re, imaginary[a] += im;
      }
    }
  }
  free(roots);
}

void CKernels_complexPower(double *real, double *imaginary, int64_t count, int64_t exponent) {
  for (int64_t i = 0; i < count; i++) {
    double re = 1, im = 0, squareRe = real[i], squareIm = imaginary[i];
    for (int64_t rest = exponent; rest > 0; rest >>= 1) {
      if (rest & 1) {
        double product = re * squareRe - im * squareIm;
        im = re * squareIm + im * squareRe;
        re = product;
      }
      double product = squareRe * squareRe - squareIm * squareIm;
      squareIm = 2 * squareRe * squareIm;
      squareRe = product;
    }
    real[i] = re, imaginary[i] = im;
  }
}
