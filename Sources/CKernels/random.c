#include <math.h>

#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"
#include "philox.h"

void CKernels_philox(const CKernels_RandomStream *stream, uint32_t position, uint32_t words[4]) {
  uint32_t c0 = position, c1 = stream->site, c2 = stream->step, c3 = stream->microbatch;
  uint32_t k0 = (uint32_t)stream->seed, k1 = (uint32_t)(stream->seed >> 32);
  for (int round = 0; round < PHILOX_ROUNDS; round++) {
    uint64_t p0 = (uint64_t)PHILOX_MULTIPLIER_0 * c0, p1 = (uint64_t)PHILOX_MULTIPLIER_1 * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    k0 += PHILOX_WEYL_0;
    k1 += PHILOX_WEYL_1;
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
