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

/// outputs = inputs * mask / (1 - probability), or += where `adds`; the mask is 0 with this
/// probability, else 1.
///
/// `element` is where the span starts in the masked tensor, a multiple of 64. Element e is decided
/// by word (e % 64) / 16 at position e / 64 * 16 + e % 16.
void CKernels_dropout(
    const CKernels_RandomStream *stream, float probability, int64_t element, const float *inputs,
    float *outputs, int64_t count, int adds);

#endif
