// Noise for private sums, and the transform that composes distributions of privacy losses.
#ifndef CKERNELS_PRIVACY_H
#define CKERNELS_PRIVACY_H

#include <stdint.h>

/// Words that a pair of elements takes: 64 bytes, a block of ChaCha20.
#define CKERNELS_NOISE_WORDS 8

/// values[i] += deviation * z[i], added in double precision and rounded once. Elements 2k and 2k + 1 take the
/// words 8k to 8k + 7, uniform numbers of 64 bits: four pairs (radius, angle) of Box and Muller's method. z[2k] is
/// half the sum of the four cosines' normal numbers, z[2k + 1] of the four sines'.
///
/// A sum of several numbers, and not one, so that the last bits of the result do not tell which number it was
/// (Mironov, 2012; Holohan and Braghin, 2021).
void CKernels_addNoise(
    const uint64_t *words, double deviation, float *values, int64_t count);

/// values[i] += scale * source[i], where scale is taken in double precision and each sum is rounded once.
void CKernels_addClipped(const float *source, double scale, float *values, int64_t count);

/// The discrete Fourier transform of `count` complex numbers in place, a power of two:
/// X[k] = sum of x[n] e^(-2 pi i k n / count), or with +i where `inverse`, without a factor.
void CKernels_fourierTransform(double *real, double *imaginary, int64_t count, int inverse);

/// Each of the complex numbers to the power of `exponent` >= 1, in place, by repeated squaring.
void CKernels_complexPower(double *real, double *imaginary, int64_t count, int64_t exponent);

#endif
