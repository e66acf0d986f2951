#include "CKernels.h"
#include "lanes.h"

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

/// Exchanges, for all pairs of rows that are `distance` apart, the upper lanes of one with the lower lanes of the
/// other.
#define EXCHANGE(rows, distance, low, high)                                                       \
  UNROLLED                                                                                        \
  for (int i = 0; i < LANE_COUNT; i++)                                                            \
    if (!(i & (distance))) {                                                                      \
      UIntLanes one = (rows)[i], other = (rows)[i + (distance)];                                  \
      (rows)[i] = __builtin_shufflevector(one, other, low);                                       \
      (rows)[i + (distance)] = __builtin_shufflevector(one, other, high);                         \
    }
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

/// Makes columns of rows.
INLINE void transpose(UIntLanes rows[STATE_WORDS]) {
  EXCHANGE(rows, 8, LOW_8, HIGH_8)
  EXCHANGE(rows, 4, LOW_4, HIGH_4)
  EXCHANGE(rows, 2, LOW_2, HIGH_2)
  EXCHANGE(rows, 1, LOW_1, HIGH_1)
}

/// Sixteen blocks, one after the other.
INLINE void sixteen_blocks(const uint32_t start[STATE_WORDS], UIntLanes x[STATE_WORDS]) {
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
  for (int word = 0; word < STATE_WORDS; word++) x[word] += start[word];
  x[12] += places;
  transpose(x);
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
    UIntLanes x[STATE_WORDS];
    sixteen_blocks(state, x);
    int64_t length = count - i < GROUP_WORDS ? count - i : GROUP_WORDS;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(words + i, x, (size_t)length * sizeof *words);
#else
    for (int64_t k = 0; k < length; k++) {
      const UIntLanes *row = x + k / CKERNELS_CHACHA20_WORDS;
      int64_t place = k % CKERNELS_CHACHA20_WORDS * 2;
      words[i + k] = (uint64_t)(*row)[place] | (uint64_t)(*row)[place + 1] << 32;
    }
#endif
  }
}
