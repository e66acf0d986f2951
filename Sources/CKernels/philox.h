// Philox 4x32-10 (Salmon et al., SC 2011) of sixteen positions at once.
#ifndef CKERNELS_PHILOX_H
#define CKERNELS_PHILOX_H

#include "CKernels_random.h"
#include "lanes.h"

#define PHILOX_ROUNDS 10
#define PHILOX_MULTIPLIER_0 0xD2511F53u
#define PHILOX_MULTIPLIER_1 0xCD9E8D57u
#define PHILOX_WEYL_0 0x9E3779B9u
#define PHILOX_WEYL_1 0xBB67AE85u

/// Eight pairs of lanes.
typedef uint64_t PairLanes __attribute__((vector_size(64), aligned(64)));

/// The upper and lower halves of the lanes' products with a number: lanes of even places, then those of odd ones,
/// which is how processors multiply to 64 bits.
INLINE void multiply_lanes(
    const UIntLanes *lanes, uint32_t factor, UIntLanes *high, UIntLanes *low) {
  const PairLanes pairs = (PairLanes)*lanes, lower = (PairLanes){0} + 0xffffffffu;
  const PairLanes even = (pairs & lower) * (uint64_t)factor;
  const PairLanes odd = (pairs >> 32) * (uint64_t)factor;
  *high = (UIntLanes)(even >> 32 | (odd & ~lower));
  *low = (UIntLanes)((even & lower) | odd << 32);
}

/// The words at sixteen consecutive positions.
INLINE void philox_lanes(
    const CKernels_RandomStream *stream, uint32_t position, UIntLanes words[4]) {
  const UIntLanes steps = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  UIntLanes c0 = steps + position, c1 = (UIntLanes){0} + stream->site;
  UIntLanes c2 = (UIntLanes){0} + stream->step, c3 = (UIntLanes){0} + stream->microbatch;
  uint32_t k0 = (uint32_t)stream->seed, k1 = (uint32_t)(stream->seed >> 32);
  for (int round = 0; round < PHILOX_ROUNDS; round++) {
    UIntLanes high0, low0, high1, low1;
    multiply_lanes(&c0, PHILOX_MULTIPLIER_0, &high0, &low0);
    multiply_lanes(&c2, PHILOX_MULTIPLIER_1, &high1, &low1);
    c0 = high1 ^ c1 ^ k0;
    c2 = high0 ^ c3 ^ k1;
    c1 = low1;
    c3 = low0;
    k0 += PHILOX_WEYL_0;
    k1 += PHILOX_WEYL_1;
  }
  words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

#endif
