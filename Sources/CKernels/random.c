#include <math.h>

#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"

#define ROUNDS 10
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u

typedef uint64_t WideLanes __attribute__((vector_size(128)));

void CKernels_philox(const CKernels_RandomStream *stream, uint32_t position, uint32_t words[4]) {
  uint32_t c0 = position, c1 = stream->site, c2 = stream->step, c3 = stream->microbatch;
  uint32_t k0 = (uint32_t)stream->seed, k1 = (uint32_t)(stream->seed >> 32);
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    k0 += WEYL_0;
    k1 += WEYL_1;
  }
  words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

/// Sixteen consecutive positions at once.
INLINE void philox_lanes(
    const CKernels_RandomStream *stream, uint32_t position, UIntLanes words[4]) {
  const UIntLanes steps = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  UIntLanes c0 = steps + position, c1 = (UIntLanes){0} + stream->site;
  UIntLanes c2 = (UIntLanes){0} + stream->step, c3 = (UIntLanes){0} + stream->microbatch;
  uint32_t k0 = (uint32_t)stream->seed, k1 = (uint32_t)(stream->seed >> 32);
  for (int round = 0; round < ROUNDS; round++) {
    WideLanes p0 = __builtin_convertvector(c0, WideLanes) * (uint64_t)MULTIPLIER_0;
    WideLanes p1 = __builtin_convertvector(c2, WideLanes) * (uint64_t)MULTIPLIER_1;
    c0 = __builtin_convertvector(p1 >> 32, UIntLanes) ^ c1 ^ k0;
    c2 = __builtin_convertvector(p0 >> 32, UIntLanes) ^ c3 ^ k1;
    c1 = __builtin_convertvector(p1, UIntLanes);
    c3 = __builtin_convertvector(p0, UIntLanes);
    k0 += WEYL_0;
    k1 += WEYL_1;
  }
  words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

MULTIVERSIONED void CKernels_dropout(
    const CKernels_RandomStream *stream, float probability, int64_t element, const float *inputs,
    float *outputs, int64_t count, int adds) {
  const uint32_t threshold = (uint32_t)((double)probability * 4294967296.0);
  const float scale = 1.0f / (1.0f - probability);
  for (int64_t group = 0; group < count; group += 64) {
    UIntLanes words[4];
    philox_lanes(stream, (uint32_t)((element + group) / 64 * 16), words);
    for (int64_t part = 0; part < 4 && group + part * 16 < count; part++) {
      int64_t i = group + part * 16, n = count - i < LANE_COUNT ? count - i : LANE_COUNT;
      IntLanes kept = words[part] >= threshold;
      Lanes factor = (Lanes)((IntLanes)lanes_fill(scale) & kept);
      Lanes result = lanes_read(inputs + i, n) * factor;
      if (adds) result += lanes_read(outputs + i, n);
      lanes_write(outputs + i, result, n);
    }
  }
}

/// Sixteen pairs of independent normal numbers from two words each (Box and Muller, 1958).
INLINE void normal_pairs(
    const UIntLanes *first, const UIntLanes *second, double deviation, Lanes pairs[2]) {
  for (int lane = 0; lane < LANE_COUNT; lane++) {
    // The half keeps the logarithm's argument above zero.
    double radius = sqrt(-2 * natural_log(((double)(*first)[lane] + 0.5) * 0x1p-32)) * deviation;
    double sine, cosine;
    sine_and_cosine((double)(*second)[lane] * (6.283185307179586 * 0x1p-32), &sine, &cosine);
    pairs[0][lane] = (float)(radius * cosine);
    pairs[1][lane] = (float)(radius * sine);
  }
}

MULTIVERSIONED void CKernels_fillNormal(
    const CKernels_RandomStream *stream, double deviation, int64_t element, float *outputs,
    int64_t count) {
  for (int64_t group = 0; group < count; group += 64) {
    UIntLanes words[4];
    Lanes numbers[4];
    philox_lanes(stream, (uint32_t)((element + group) / 64 * 16), words);
    normal_pairs(&words[0], &words[1], deviation, numbers);
    normal_pairs(&words[2], &words[3], deviation, numbers + 2);
    int64_t length = count - group < 64 ? count - group : 64;
    memcpy(outputs + group, numbers, (size_t)length * sizeof(float));
  }
}

MULTIVERSIONED void CKernels_fillUniform(
    const CKernels_RandomStream *stream, float bound, int64_t element, float *outputs,
    int64_t count) {
  for (int64_t group = 0; group < count; group += 64) {
    UIntLanes words[4];
    Lanes numbers[4];
    philox_lanes(stream, (uint32_t)((element + group) / 64 * 16), words);
    for (int part = 0; part < 4; part++) {
      // 24 bits, which a float holds exactly: the upper bound is never reached by rounding.
      Lanes unit = __builtin_convertvector((IntLanes)(words[part] >> 8), Lanes) * 0x1p-23f - 1.0f;
      numbers[part] = unit * bound;
    }
    int64_t length = count - group < 64 ? count - group : 64;
    memcpy(outputs + group, numbers, (size_t)length * sizeof(float));
  }
}
