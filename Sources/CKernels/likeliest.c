#include "CKernels.h"
#include "double_math.h"
#include "lanes.h"
#include "lanes_math.h"

/// Puts the logit at `place` among the `count` largest so far, behind those that are as large.
INLINE void insert(const float *logits, int32_t place, int64_t count, int32_t *places) {
  int64_t rank = count - 1;
  for (; rank > 0 && logits[place] > logits[places[rank - 1]]; rank--) places[rank] = places[rank - 1];
  places[rank] = place;
}

MULTIVERSIONED void CKernels_likeliest(
    const float *logits, int64_t columns, int64_t count, int32_t *places,
    double *logProbabilities) {
  for (int64_t place = 0; place < count; place++)
    insert(logits, (int32_t)place, place + 1, places);
  int64_t place = count;
  while (place < columns) {
    float least = logits[places[count - 1]];
    if (place + LANE_COUNT <= columns) {
      Lanes x = lanes_load(logits + place);
      IntLanes larger = x > lanes_fill(least);
      int32_t any = 0;
      for (int i = 0; i < LANE_COUNT; i++) any |= larger[i];
      if (!any) {
        place += LANE_COUNT;
        continue;
      }
    }
    int64_t end = place + LANE_COUNT < columns ? place + LANE_COUNT : columns;
    for (; place < end; place++)
      if (logits[place] > logits[places[count - 1]]) insert(logits, (int32_t)place, count, places);
  }
  float maximum = logits[places[0]];
  Lanes sum = {0};
  FOR_LANES(columns) {
    Lanes e = lanes_exp(lanes_read(logits + i, n) - maximum);
    if (n < LANE_COUNT) e = lanes_keep(e, n);
    sum += e;
  }
  double logarithm = natural_log(lanes_sum(sum));
  for (int64_t rank = 0; rank < count; rank++)
    logProbabilities[rank] = ((double)logits[places[rank]] - maximum) - logarithm;
}
