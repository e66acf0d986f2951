// The tile registers of AMX: eight, of sixteen rows of 64 bytes. Included where functions are compiled for
// processors that have them.
#ifndef CKERNELS_TILES_H
#define CKERNELS_TILES_H

#include <immintrin.h>

#include "lanes.h"

/// Elements of bfloat16 in a tile.
#define TILE (16 * 32)

/// What LDTILECFG reads.
typedef struct TileShapes {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} TileShapes;

/// The registers are configured anew each time: between products threads keep no state that would be saved
/// whenever they are interrupted.
INLINE int begin_amx(void) {
  static const TileShapes shapes = {
      .palette = 1,
      .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
      .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
  _tile_loadconfig(&shapes);
  return 0;
}

INLINE void end_amx(int unused) {
  (void)unused;
  _tile_release();
}

#endif
