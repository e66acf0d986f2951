#include "int8.h"

#include "CKernels.h"

typedef int8_t Numbers __attribute__((vector_size(16), aligned(16)));

MULTIVERSIONED void CKernels_roundToInt8(
    const CKernels_RandomStream *stream, int64_t element, const float *values, float *rounded,
    int64_t count) {
  int8_round(rounded, values, count, stream, element);
}

MULTIVERSIONED void CKernels_encodeInt8(
    const float *rounded, float *scales, int8_t *numbers, int64_t count) {
  for (int64_t block = 0; block < count; block += INT8_BLOCK) {
    const int64_t length = count - block < INT8_BLOCK ? count - block : INT8_BLOCK;
    const float scale = int8_scale(rounded + block, length);
    scales[block / INT8_BLOCK] = scale;
    for (int64_t i = block; i < block + length; i += LANE_COUNT) {
      const int64_t n = block + length - i < LANE_COUNT ? block + length - i : LANE_COUNT;
      const Lanes lanes = lanes_read(rounded + i, n);
      IntLanes wide = {0};
      if (scale > 0) {
        // Exact: the values are whole multiples of the scale.
        wide = __builtin_convertvector(lanes / scale, IntLanes);
      } else if (scale != scale) {
        int8_not_finite(&wide, &lanes);
      }
      const Numbers few = __builtin_convertvector(wide, Numbers);
      memcpy(numbers + i, &few, (size_t)n);
    }
  }
}

MULTIVERSIONED void CKernels_decodeInt8(
    const float *scales, const int8_t *numbers, float *values, int64_t count) {
  for (int64_t i = 0; i < count; i += LANE_COUNT) {
    const int64_t n = count - i < LANE_COUNT ? count - i : LANE_COUNT;
    Numbers few = {0};
    memcpy(&few, numbers + i, (size_t)n);
    const IntLanes wide = __builtin_convertvector(few, IntLanes);
    Lanes lanes;
    int8_values(&lanes, &wide, scales[i / INT8_BLOCK]);
    lanes_write(values + i, lanes, n);
  }
}
