#include "lanes.h"
#include "bfloat16.h"
#include "int8.h"
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

INLINE float rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = rounded_to_bfloat16(bits);
  memcpy(&x, &bits, sizeof x);
  return x;
}

/// destination = source, rounded to bfloat16. May be in place.
INLINE void round_all(float *destination, const float *source, int64_t count) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT) {
    Lanes lanes = lanes_load(source + i);
    lanes_round_to_bfloat16(&lanes);
    lanes_store(destination + i, lanes);
  }
  for (; i < count; i++) destination[i] = rounded(source[i]);
}

/// As sum_chunk, with sources and sums rounded to bfloat16, but the last one only if `rounds_result`.
/// What is rounded is rounded again without a change.
INLINE void sum_chunk_rounded(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count, float (*temporaries)[CHUNK],
    int rounds_result) {
  // A tree of one leaf, which is the result.
  if (sourceCount == 1 && !rounds_result) {
    memmove(destination, sources[0] + start, (size_t)count * sizeof(float));
    return;
  }
  int64_t depth = 0;
  for (int64_t k = 0; k < sourceCount; k++) {
    round_all(temporaries[depth++], sources[k] + start, count);
    for (int64_t left = additions[k]; left > 0; left--) {
      int isResult = k == sourceCount - 1 && left == 1;
      float *out = temporaries[depth - 2];
      add(out, out, temporaries[depth - 1], count);
      if (!isResult || rounds_result) round_all(out, out, count);
      depth -= 1;
    }
  }
  memcpy(destination, temporaries[0], (size_t)count * sizeof(float));
}

/// The stream of one node.
INLINE CKernels_RandomStream stream_of(
    CKernels_TreeNode node, const CKernels_RandomStream *stream) {
  CKernels_RandomStream result = *stream;
  result.site += node.leafCount;
  result.microbatch += node.firstLeaf;
  return result;
}

/// As sum_chunk_rounded, with blocks of eight bits. The chunk begins at `element` of the buffer.
INLINE void sum_chunk_in_int8(
    float *destination, const float *const *sources, const CKernels_TreeNode *nodes,
    const uint8_t *additions, int64_t sourceCount, int64_t start, int64_t count,
    const CKernels_RandomStream *stream, int64_t element, float (*temporaries)[CHUNK],
    int rounds_result) {
  if (sourceCount == 1 && !rounds_result) {
    memmove(destination, sources[0] + start, (size_t)count * sizeof(float));
    return;
  }
  CKernels_TreeNode stack[CKERNELS_TREE_DEPTH];
  int64_t depth = 0;
  for (int64_t k = 0; k < sourceCount; k++) {
    const float *in = sources[k] + start;
    stack[depth++] = nodes[k];
    for (int64_t left = additions[k];; left--) {
      // What is on top of the stack: a source, then the sums that it completes.
      int isResult = k == sourceCount - 1 && left == 0;
      float *top = temporaries[depth - 1];
      if (!isResult || rounds_result) {
        CKernels_RandomStream own = stream_of(stack[depth - 1], stream);
        int8_round(top, in, count, &own, element);
      }
      if (left == 0) break;
      add(temporaries[depth - 2], temporaries[depth - 2], top, count);
      depth -= 1;
      stack[depth - 1].leafCount += stack[depth].leafCount;
      in = temporaries[depth - 1];
    }
  }
  memcpy(destination, temporaries[0], (size_t)count * sizeof(float));
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
    ask_ahead(values + i);
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
double CKernels_sumTreeInBfloat16(
    float *destination, const float *const *sources, const uint8_t *additions,
    int64_t sourceCount, int64_t start, int64_t count, int32_t roundsResult) {
  float temporaries[CKERNELS_TREE_DEPTH][CHUNK] __attribute__((aligned(64)));
  Squares squares = {{0}, {0}};
  for (int64_t i = 0; i < count; i += CHUNK) {
    int64_t length = count - i < CHUNK ? count - i : CHUNK;
    sum_chunk_rounded(
        destination + i, sources, additions, sourceCount, start + i, length, temporaries,
        roundsResult);
    add_chunk_squares(&squares, destination + i, length);
  }
  return squares_total(&squares);
}

MULTIVERSIONED
double CKernels_sumTreeInInt8(
    float *destination, const float *const *sources, const CKernels_TreeNode *nodes,
    const uint8_t *additions, int64_t sourceCount, int64_t start, int64_t count,
    const CKernels_RandomStream *stream, int64_t element, int32_t roundsResult) {
  float temporaries[CKERNELS_TREE_DEPTH][CHUNK] __attribute__((aligned(64)));
  Squares squares = {{0}, {0}};
  for (int64_t i = 0; i < count; i += CHUNK) {
    int64_t length = count - i < CHUNK ? count - i : CHUNK;
    sum_chunk_in_int8(
        destination + i, sources, nodes, additions, sourceCount, start + i, length, stream,
        element + i, temporaries, roundsResult);
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
