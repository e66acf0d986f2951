#include "int8.h"

#include "CKernels.h"

#define BLOCK CKERNELS_SPARSE_BLOCK
/// From so many kept elements on a bit for each element is fewer bytes than two for each place.
#define LEAST_IN_BITS (BLOCK / 16)

/// Bytes of the places in a record.
INLINE int64_t place_bytes(int64_t kept) { return kept < LEAST_IN_BITS ? 2 * kept : BLOCK / 8; }

int64_t CKernels_sparseRecordBytes(int64_t kept) {
  return (4 + place_bytes(kept) + kept + 3) / 4 * 4;
}

/// How many elements of a block of `count` are kept.
INLINE int64_t kept_of(int64_t count, int64_t kept) { return (count * kept + BLOCK - 1) / BLOCK; }

/// How many magnitudes are at least so large, as bits. Magnitudes of floats are in the order of their bits.
INLINE int64_t count_from(const int32_t *magnitudes, int32_t least, int64_t rounds) {
  IntLanes found = {0};
  for (int64_t i = 0; i < rounds; i++) {
    IntLanes lanes;
    memcpy(&lanes, magnitudes + i * LANE_COUNT, sizeof lanes);
    found -= lanes >= least;
  }
  int64_t sum = 0;
  for (int lane = 0; lane < LANE_COUNT; lane++) sum += found[lane];
  return sum;
}

/// The magnitude of rank `n` from above, as bits: the largest that at least n elements reach.
INLINE int32_t threshold(const int32_t *magnitudes, int64_t n, int64_t rounds) {
  int32_t found = 0;
  for (int bit = 30; bit >= 0; bit--) {
    const int32_t tried = found | 1 << bit;
    if (count_from(magnitudes, tried, rounds) >= n) found = tried;
  }
  return found;
}

/// A whole number of scales that is nearest to a value, ties to even.
INLINE float nearest(float value, float scale) {
  // Adding 1.5 * 2^23 leaves no bits behind the point.
  const float whole = value / scale + 0x1.8p23f - 0x1.8p23f;
  return whole > INT8_LARGEST ? INT8_LARGEST : whole < -INT8_LARGEST ? -INT8_LARGEST : whole;
}

MULTIVERSIONED void CKernels_takeLargest(
    float *residual, float decay, const float *start, const float *end, int64_t count,
    int64_t kept, uint8_t *record) {
  // Behind the block, -1 is less than any magnitude.
  _Alignas(64) int32_t magnitudes[BLOCK];
  const int64_t rounds = (count + LANE_COUNT - 1) / LANE_COUNT;
  for (int64_t i = 0; i < count; i += LANE_COUNT) {
    const int64_t n = count - i < LANE_COUNT ? count - i : LANE_COUNT;
    Lanes lanes = decay * lanes_read(residual + i, n);
    lanes = lanes + (lanes_read(start + i, n) - lanes_read(end + i, n));
    lanes_write(residual + i, lanes, n);
    IntLanes bits = (IntLanes)lanes & 0x7fffffff;
    for (int64_t lane = n; lane < LANE_COUNT; lane++) bits[lane] = -1;
    memcpy(magnitudes + i, &bits, sizeof bits);
  }

  const int64_t n = kept_of(count, kept);
  const int32_t least = threshold(magnitudes, n, rounds);
  // Of those that just reach it, so many.
  int64_t ties = n - count_from(magnitudes, least + 1, rounds);
  const float scale = int8_scale(residual, count);

  memset(record, 0, (size_t)CKernels_sparseRecordBytes(kept));
  memcpy(record, &scale, sizeof scale);
  uint8_t *places = record + 4;
  int8_t *numbers = (int8_t *)places + place_bytes(kept);
  int64_t taken = 0;
  for (int64_t i = 0; taken < n; i++) {
    if (magnitudes[i] < least || (magnitudes[i] == least && ties-- <= 0)) continue;
    if (kept < LEAST_IN_BITS) {
      const uint16_t place = (uint16_t)i;
      memcpy(places + 2 * taken, &place, sizeof place);
    } else {
      places[i / 8] |= (uint8_t)(1 << i % 8);
    }
    if (scale > 0) {
      const float number = nearest(residual[i], scale);
      numbers[taken] = (int8_t)number;
      residual[i] -= number * scale;
    }
    taken++;
  }
}

void CKernels_addSparse(const uint8_t *record, int64_t kept, float *sum, int64_t count) {
  float scale;
  memcpy(&scale, record, sizeof scale);
  const uint8_t *places = record + 4;
  const int8_t *numbers = (const int8_t *)places + place_bytes(kept);
  const int64_t n = kept_of(count, kept);
  if (kept < LEAST_IN_BITS) {
    for (int64_t taken = 0; taken < n; taken++) {
      uint16_t place;
      memcpy(&place, places + 2 * taken, sizeof place);
      sum[place] += (float)numbers[taken] * scale;
    }
    return;
  }
  for (int64_t i = 0, taken = 0; taken < n; i++) {
    if (places[i / 8] >> i % 8 & 1) sum[i] += (float)numbers[taken++] * scale;
  }
}
