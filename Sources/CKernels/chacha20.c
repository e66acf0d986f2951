#include "CKernels.h"
#include "lanes.h"
#include "transpose.h"

#define DOUBLE_ROUNDS 10
/// 32-bit words of a block's state.
#define STATE_WORDS 16
/// 64-bit words of the blocks that are made at a time, one a lane.
#define GROUP_WORDS (LANE_COUNT * CKERNELS_CHACHA20_WORDS)

INLINE void rotate(UIntLanes *lanes, int distance) {
  *lanes = *lanes << distance | *lanes >> (32 - distance);
}

INLINE void quarter_round(UIntLanes *a, UIntLanes *b, UIntLanes *c, UIntLanes *d) {
  *a += *b, *d ^= *a, rotate(d, 16);
  *c += *d, *b ^= *c, rotate(b, 12);
  *a += *b, *d ^= *a, rotate(d, 8);
  *c += *d, *b ^= *c, rotate(b, 7);
}

/// Sixteen blocks, one after the other.
INLINE void sixteen_blocks(const uint32_t start[STATE_WORDS], Lanes blocks[LANE_COUNT]) {
  UIntLanes x[STATE_WORDS];
  const UIntLanes places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  UNROLLED
  for (int word = 0; word < STATE_WORDS; word++) x[word] = (UIntLanes){0} + start[word];
  x[12] += places;
  for (int round = 0; round < DOUBLE_ROUNDS; round++) {
    UNROLLED
    for (int i = 0; i < 4; i++) quarter_round(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
    UNROLLED
    for (int i = 0; i < 4; i++)
      quarter_round(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
  }
  UNROLLED
  for (int word = 0; word < STATE_WORDS; word++) {
    x[word] += start[word];
    if (word == 12) x[word] += places;
    blocks[word] = (Lanes)x[word];
  }
  transpose(blocks);
}

/// Four bytes as a little-endian number.
INLINE uint32_t number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
      | (uint32_t)bytes[3] << 24;
}

MULTIVERSIONED void CKernels_chacha20(
    const uint8_t key[32], const uint8_t nonce[12], uint32_t block, uint64_t *words,
    int64_t count) {
  uint32_t state[STATE_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int word = 0; word < 8; word++) state[4 + word] = number(key + 4 * word);
  for (int word = 0; word < 3; word++) state[13 + word] = number(nonce + 4 * word);
  for (int64_t i = 0; i < count; i += GROUP_WORDS) {
    state[12] = block + (uint32_t)(i / CKERNELS_CHACHA20_WORDS);
    Lanes blocks[LANE_COUNT];
    sixteen_blocks(state, blocks);
    int64_t length = count - i < GROUP_WORDS ? count - i : GROUP_WORDS;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(words + i, blocks, (size_t)length * sizeof *words);
#else
    for (int64_t k = 0; k < length; k++) {
      const UIntLanes own = (UIntLanes)blocks[k / CKERNELS_CHACHA20_WORDS];
      int64_t place = k % CKERNELS_CHACHA20_WORDS * 2;
      words[i + k] = (uint64_t)own[place] | (uint64_t)own[place + 1] << 32;
    }
#endif
  }
}
