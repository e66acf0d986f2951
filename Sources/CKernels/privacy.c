#include <stdlib.h>

#include "CKernels.h"
#include "double_lanes.h"

/// Pairs of elements that are made at a time, and the words that they take.
#define NOISE_PAIRS DOUBLE_LANE_COUNT
#define NOISE_GROUP_WORDS (NOISE_PAIRS * CKERNELS_NOISE_WORDS)

/// Uniform numbers above 0 and below 1, of 53 bits: the words at `place` of each pair's eight.
#define units(words, place) LANES_RESULT(DoubleLanes, units_into, words, place)
INLINE void units_into(DoubleLanes *result, const uint64_t *words, int place) {
  typedef uint64_t WordLanes __attribute__((vector_size(64)));
  WordLanes own;
  UNROLLED
  for (int pair = 0; pair < NOISE_PAIRS; pair++)
    own[pair] = words[CKERNELS_NOISE_WORDS * pair + place];
  *result = (__builtin_convertvector((LongLanes)(own >> 11), DoubleLanes) + 0.5) * 0x1p-53;
}

/// Twice the normal numbers of eight pairs, the first ones and the second ones.
INLINE void doubled_normals(
    const uint64_t *words, DoubleLanes *first, DoubleLanes *second, int hasFused) {
  DoubleLanes radius[DOUBLE_GROUP], angle[DOUBLE_GROUP];
  DoubleLanes sine[DOUBLE_GROUP], cosine[DOUBLE_GROUP];
  EACH_OF_GROUP {
    radius[g] = units(words, 2 * g);
    angle[g] = units(words, 2 * g + 1) * 6.283185307179586;
  }
  lanes_natural_log(radius);
  EACH_OF_GROUP radius[g] = __builtin_elementwise_sqrt(-2 * radius[g]);
  lanes_sine_and_cosine(angle, sine, cosine, hasFused);
  *first = double_lanes_fill(0), *second = double_lanes_fill(0);
  EACH_OF_GROUP {
    *first += radius[g] * cosine[g];
    *second += radius[g] * sine[g];
  }
}

/// values + deviation * z, where z's elements are half of first[0], second[0], first[1] and so on.
INLINE void add_doubled(
    Lanes *values, double deviation, const DoubleLanes *first, const DoubleLanes *second) {
  const DoubleLanes even = deviation * (*first * 0.5), odd = deviation * (*second * 0.5);
  typedef double All __attribute__((vector_size(LANE_COUNT * sizeof(double))));
  const All noise = __builtin_shufflevector(
      even, odd, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  *values = __builtin_convertvector(__builtin_convertvector(*values, All) + noise, Lanes);
}

INLINE void add_noise(
    const uint64_t *words, double deviation, float *values, int64_t count, int hasFused) {
  uint64_t few[NOISE_GROUP_WORDS] = {0};
  FOR_LANES(count) {
    const uint64_t *own = words + i / 2 * CKERNELS_NOISE_WORDS;
    if (n < LANE_COUNT) {
      memcpy(few, own, (size_t)((n + 1) / 2) * CKERNELS_NOISE_WORDS * sizeof *few);
      own = few;
    }
    DoubleLanes first, second;
    doubled_normals(own, &first, &second, hasFused);
    Lanes noisy = lanes_read(values + i, n);
    add_doubled(&noisy, deviation, &first, &second);
    lanes_write(values + i, noisy, n);
  }
}

// Not by target_clones, which know of no constant that differs from one to the other.
#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static void add_noise_v4(
    const uint64_t *words, double deviation, float *values, int64_t count) {
  add_noise(words, deviation, values, count, 1);
}

__attribute__((target("arch=x86-64-v3"))) static void add_noise_v3(
    const uint64_t *words, double deviation, float *values, int64_t count) {
  add_noise(words, deviation, values, count, 1);
}
#endif

void CKernels_addNoise(
    const uint64_t *words, double deviation, float *values, int64_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) return add_noise_v4(words, deviation, values, count);
  if (__builtin_cpu_supports("x86-64-v3")) return add_noise_v3(words, deviation, values, count);
  add_noise(words, deviation, values, count, 0);
#else
  add_noise(words, deviation, values, count, 1);
#endif
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
