#include "CHashing.h"

#include <string.h>

// Four chains side by side, since a multiplication takes longer than the next word needs to come. Each
// step is a bijection of what the chain held, and of the word: a single change is never lost.

/// Odd, so that to multiply by it loses nothing; half of its bits are set.
#define FACTOR 0x9E3779B97F4A7C15u

static inline uint64_t mix(uint64_t value) {
  value ^= value >> 32;
  value *= FACTOR;
  value ^= value >> 29;
  value *= 0xBF58476D1CE4E5B9u;
  return value ^ value >> 31;
}

static inline uint64_t step(uint64_t chain, uint64_t word) {
  chain ^= word;
  // What is in the upper bits spreads no further up: it must reach lower ones first.
  chain ^= chain >> 32;
  chain *= FACTOR;
  return chain << 32 | chain >> 32;
}

static inline uint64_t load(const unsigned char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t CHashing_fold64(const void *bytes, int64_t byteCount, uint64_t seed) {
  const unsigned char *next = bytes;
  uint64_t chains[4] = {seed, seed + 1, seed + 2, seed + 3};
  int64_t left = byteCount;
  for (; left >= 32; left -= 32, next += 32) {
    for (int i = 0; i < 4; i++) chains[i] = step(chains[i], load(next + 8 * i));
  }
  for (int i = 0; left > 0; i++) {
    unsigned char last[8] = {0};
    int64_t count = left < 8 ? left : 8;
    memcpy(last, next, (size_t)count);
    chains[i] = step(chains[i], load(last));
    next += count;
    left -= count;
  }
  uint64_t hash = mix(seed ^ (uint64_t)byteCount);
  for (int i = 0; i < 4; i++) hash = step(hash, mix(chains[i]));
  return mix(hash);
}
