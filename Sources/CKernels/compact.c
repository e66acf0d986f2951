#include "CKernels.h"
#include "lanes.h"

typedef uint16_t ShortLanes __attribute__((vector_size(32), aligned(2)));
typedef int8_t ByteLanes __attribute__((vector_size(16), aligned(1)));

MULTIVERSIONED void CKernels_decodeBfloat16(
    const uint16_t *source, float *destination, int64_t count) {
  int64_t i = 0;
  for (; i + LANE_COUNT <= count; i += LANE_COUNT) {
    UIntLanes bits = __builtin_convertvector(*(const ShortLanes *)(source + i), UIntLanes) << 16;
    memcpy(destination + i, &bits, sizeof bits);
  }
  for (; i < count; i++) {
    uint32_t bits = (uint32_t)source[i] << 16;
    memcpy(destination + i, &bits, sizeof bits);
  }
}

/// The value of a half-precision number, which is exact; written out, for the oldest level has no
/// instruction for it.
INLINE float half_value(uint16_t bits) {
  uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = bits & 0x7FFF;
  if (magnitude < 0x0400) {
    // A multiple of 2⁻²⁴.
    float value = (float)magnitude * 0x1p-24f;
    return sign ? -value : value;
  }
  uint32_t exponent = magnitude >= 0x7C00 ? 0x7F800000 : 0x38000000 + ((magnitude & 0x7C00) << 13);
  uint32_t result = sign | exponent | (magnitude & 0x03FF) << 13;
  float value;
  memcpy(&value, &result, sizeof value);
  return value;
}

MULTIVERSIONED void CKernels_decodeQ8(
    const uint8_t *blocks, float *destination, int64_t blockCount) {
  for (int64_t b = 0; b < blockCount; b++) {
    const uint8_t *block = blocks + b * CKERNELS_Q8_BYTES;
    uint16_t bits;
    memcpy(&bits, block, sizeof bits);
    Lanes scale = lanes_fill(half_value(bits));
    for (int64_t i = 0; i < CKERNELS_Q8_ELEMENTS; i += LANE_COUNT) {
      ByteLanes numbers;
      memcpy(&numbers, block + 2 + i, sizeof numbers);
      lanes_store(
          destination + b * CKERNELS_Q8_ELEMENTS + i,
          __builtin_convertvector(numbers, Lanes) * scale);
    }
  }
}
