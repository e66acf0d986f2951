// The transposition of small blocks in registers, for packing the factors of products.
#ifndef CKERNELS_TRANSPOSE_H
#define CKERNELS_TRANSPOSE_H

#include "lanes.h"

#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/// Transposes sixteen times sixteen elements, one step for each doubling of what lies together.
INLINE void transpose(Lanes lanes[16]) {
  Lanes t[16];
  UNROLLED for (int i = 0; i < 16; i += 2) {
    t[i] = SHUFFLE(lanes[i], lanes[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    t[i + 1] =
        SHUFFLE(lanes[i], lanes[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  Lanes u[16];
  UNROLLED for (int i = 0; i < 16; i += 4) {
    UNROLLED for (int j = 0; j < 2; j++) {
      u[i + 2 * j] = SHUFFLE(
          t[i + j], t[i + j + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      u[i + 2 * j + 1] = SHUFFLE(
          t[i + j], t[i + j + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  }
  // u[4 b + q] now holds, in its quarter p, column 4 p + q of rows 4 b ..< 4 b + 4.
  UNROLLED for (int q = 0; q < 4; q++) {
    Lanes even[2], odd[2];
    UNROLLED for (int half = 0; half < 2; half++) {
      Lanes a = u[8 * half + q], b = u[8 * half + 4 + q];
      even[half] = SHUFFLE(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
      odd[half] = SHUFFLE(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
#define LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
    lanes[q] = SHUFFLE(even[0], even[1], LOW);
    lanes[4 + q] = SHUFFLE(odd[0], odd[1], LOW);
    lanes[8 + q] = SHUFFLE(even[0], even[1], HIGH);
    lanes[12 + q] = SHUFFLE(odd[0], odd[1], HIGH);
  }
}

#undef SHUFFLE
#undef LOW
#undef HIGH

#endif
