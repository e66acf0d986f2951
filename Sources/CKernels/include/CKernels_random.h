// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011).
#ifndef CKERNELS_RANDOM_H
#define CKERNELS_RANDOM_H

#include <stdint.h>

/// A stream: the key is the seed, the counter is (position, site, step, microbatch).
typedef struct CKernels_RandomStream {
  uint64_t seed;
  uint32_t site, step, microbatch;
} CKernels_RandomStream;

/// The four words at one position of the stream.
void CKernels_philox(const CKernels_RandomStream *stream, uint32_t position, uint32_t words[4]);

// In the functions below, `element` is where the span starts in the whole tensor, a multiple of 64:
// the span may be cut there among threads. Element e belongs to word (e % 64) / 16 at position
// e / 64 * 16 + e % 16 of the stream.

/// outputs = inputs * mask / (1 - probability), or += where `adds`; the mask is 0 with this
/// probability, else 1.
void CKernels_dropout(
    const CKernels_RandomStream *stream, float probability, int64_t element, const float *inputs,
    float *outputs, int64_t count, int adds);

/// Normal numbers with mean 0 and this deviation; words 0 and 1 make a pair, and words 2 and 3.
void CKernels_fillNormal(
    const CKernels_RandomStream *stream, double deviation, int64_t element, float *outputs,
    int64_t count);

/// Uniform numbers in -bound ..< bound, one of 2^24 equidistant values each.
void CKernels_fillUniform(
    const CKernels_RandomStream *stream, float bound, int64_t element, float *outputs,
    int64_t count);

#endif
