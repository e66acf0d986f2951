#include "lanes.h"
#include "CKernels.h"

/// Elements per step: the temporaries of a deep tree stay in the first-level cache.
#define CHUNK 1024

// The loops end with plain elements: lanes of variable length would go through memory.
INLINE void add(float *out, const float *a, const float *b, int64_t count) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT) {
    lanes_store(out + i, lanes_load(a + i) + lanes_load(b + i));
  }
  for (; i < count; i++) out[i] = a[i] + b[i];
}

/// a + (b + c) in registers: what a fold that carries twice ends with.
INLINE void add_right(float *out, const float *a, const float *b, const float *c, int64_t count) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT) {
    lanes_store(out + i, lanes_load(a + i) + (lanes_load(b + i) + lanes_load(c + i)));
  }
  for (; i < count; i++) out[i] = a[i] + (b[i] + c[i]);
}

/// One chunk of the tree. Sources are used where they lie; only sums go to temporaries, and the
/// last addition goes straight to the destination.
INLINE void sum_chunk(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count, float (*temporaries)[CHUNK]) {
  const float *stack[CKERNELS_TREE_DEPTH];
  int64_t depth = 0;
  for (int64_t k = 0; k < sourceCount; k++) {
    stack[depth++] = sources[k] + start;
    int64_t left = additions[k];
    int last_source = k == sourceCount - 1;
    while (left >= 2) {
      float *out = last_source && left == 2 ? destination : temporaries[depth - 3];
      add_right(out, stack[depth - 3], stack[depth - 2], stack[depth - 1], count);
      depth -= 2;
      stack[depth - 1] = out;
      left -= 2;
    }
    if (left == 1) {
      float *out = last_source ? destination : temporaries[depth - 2];
      add(out, stack[depth - 2], stack[depth - 1], count);
      depth -= 1;
      stack[depth - 1] = out;
    }
  }
  if (stack[0] != destination) memcpy(destination, stack[0], (size_t)count * sizeof(float));
}

typedef struct {
  DoubleLanes low, high;
} Squares;

INLINE void add_squares(Squares *squares, const Lanes *lanes) {
  const Lanes values = *lanes;
  DoubleLanes low = __builtin_convertvector(
      __builtin_shufflevector(values, values, 0, 1, 2, 3, 4, 5, 6, 7), DoubleLanes);
  DoubleLanes high = __builtin_convertvector(
      __builtin_shufflevector(values, values, 8, 9, 10, 11, 12, 13, 14, 15), DoubleLanes);
  squares->low += low * low;
  squares->high += high * high;
}

INLINE void add_chunk_squares(Squares *squares, const float *values, int64_t count) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT) {
    const Lanes lanes = lanes_load(values + i);
    add_squares(squares, &lanes);
  }
  if (i < count) {
    // Absent lanes are zero, and adding zero to a square changes no bit.
    const Lanes lanes = lanes_read(values + i, count - i);
    add_squares(squares, &lanes);
  }
}

INLINE double squares_total(const Squares *squares) {
  DoubleLanes eight = squares->low + squares->high;
  double four[4];
  for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

MULTIVERSIONED
void CKernels_sumTree(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count) {
  float temporaries[CKERNELS_TREE_DEPTH][CHUNK] __attribute__((aligned(64)));
  for (int64_t i = 0; i < count; i += CHUNK) {
    int64_t length = count - i < CHUNK ? count - i : CHUNK;
    sum_chunk(destination + i, sources, additions, sourceCount, start + i, length, temporaries);
  }
}

MULTIVERSIONED
double CKernels_sumTreeWithSquares(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count) {
  float temporaries[CKERNELS_TREE_DEPTH][CHUNK] __attribute__((aligned(64)));
  Squares squares = {{0}, {0}};
  for (int64_t i = 0; i < count; i += CHUNK) {
    int64_t length = count - i < CHUNK ? count - i : CHUNK;
    sum_chunk(destination + i, sources, additions, sourceCount, start + i, length, temporaries);
    add_chunk_squares(&squares, destination + i, length);
  }
  return squares_total(&squares);
}

MULTIVERSIONED
double CKernels_sumSquares(const float *values, int64_t count) {
  Squares squares = {{0}, {0}};
  add_chunk_squares(&squares, values, count);
  return squares_total(&squares);
}
