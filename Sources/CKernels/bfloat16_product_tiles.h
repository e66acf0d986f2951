// Packing and multiplying with the tile registers of AMX, see tiles.h.
//
// A packed panel holds, for each block of the inner dimension, two tiles of 1 KiB. A left tile has a row for
// each row of A, of sixteen pairs along the inner dimension; a right tile has a row for each such pair, of
// sixteen columns of B.

#include "tiles.h"

typedef uint16_t Packed_amx;
enum {
  /// A left panel (24 KiB) and passing right panels share the first-level cache.
  CHUNK_amx = 384,
  LONGEST_amx = 768,
  /// 768 KiB.
  ELEMENTS_amx = 384 * 1024,
};

/// A mask for the first n of so many.
#define FIRST(n, of) ((n) >= (of) ? (1ull << (of)) - 1 : (1ull << (n)) - 1)

/// The first `count` of 32 elements that lie together: sixteen pairs.
INLINE __m512i pairs_along(int64_t size, const char *source, int64_t count) {
  __mmask32 mask = (__mmask32)FIRST(count, 32);
  if (size == 2) return _mm512_maskz_loadu_epi16(mask, source);
  __m512 low = _mm512_maskz_loadu_ps((__mmask16)mask, source);
  __m512 high = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), source + 64);
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/// Pairs of the elements, the first `count` of sixteen, of two rows in memory.
INLINE __m512i pairs_between(
    int64_t size, const char *even, int64_t count, const char *odd, int64_t oddCount) {
  const __m512i alternating = _mm512_set_epi16(
      31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
      18, 2, 17, 1, 16, 0);
  __mmask16 evens = (__mmask16)FIRST(count, 16), odds = (__mmask16)FIRST(oddCount, 16);
  __m512i both;
  if (size == 2)
    both = _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm256_maskz_loadu_epi16(evens, even)),
        _mm256_maskz_loadu_epi16(odds, odd), 1);
  else
    both = (__m512i)_mm512_cvtne2ps_pbh(
        _mm512_maskz_loadu_ps(odds, odd), _mm512_maskz_loadu_ps(evens, even));
  return _mm512_permutexvar_epi16(alternating, both);
}

/// Packs one tile, of `count` rows or columns and `inner` inner indices. It is transposed where the rows that
/// are read are not the tile's. All but the numbers are constants where this is expanded.
INLINE void pack_tile(
    int64_t size, int isLeft, int along, const char *source, int64_t bytes, int64_t count,
    int64_t inner, uint16_t *tile) {
  Lanes rows[16];
  if (along) {
    UNROLLED for (int r = 0; r < 16; r++)
      rows[r] = (Lanes)pairs_along(size, source + r * bytes, r < count ? inner : 0);
  } else {
    UNROLLED for (int r = 0; r < 32; r += 2)
      rows[r / 2] = (Lanes)pairs_between(
          size, source + r * bytes, r < inner ? count : 0, source + (r + 1) * bytes,
          r + 1 < inner ? count : 0);
  }
  if (isLeft != along) transpose(rows);
  UNROLLED for (int r = 0; r < 16; r++) memcpy(tile + 32 * r, &rows[r], 64);
}

/// Packs PANEL rows or columns of one block.
INLINE void pack_tiles(
    int64_t size, int isLeft, int along, const Operand *f, int64_t i, int64_t k, uint16_t *packed) {
  int64_t bytes = (along ? f->across : f->along) * size;
  for (int half = 0; half < 2; half++, i += 16, packed += TILE) {
    const char *source = element_of(f, i, k);
    int64_t count = f->count - i, inner = f->inner - k;
    // What will be read four blocks later comes from far away, in strides nobody foresees.
    for (int r = 0; r < (along ? 16 : 32); r++)
      for (int line = 0; line < (along ? 32 * size : 16 * size); line += 64)
        __builtin_prefetch(source + r * bytes + 4 * 32 * size + line);
    if (count >= 16 && inner >= 32)
      pack_tile(size, isLeft, along, source, bytes, 16, 32, packed);
    else
      pack_tile(
          size, isLeft, along, source, bytes, count > 0 ? count : 0, inner > 0 ? inner : 0, packed);
  }
}

static __attribute__((noinline)) void pack_block_amx(
    const Operand *f, int isLeft, int64_t i, int64_t k, uint16_t *packed) {
#define FORM_CASE(size, isLeft, along)                                                            \
  case (size) * 4 + (isLeft) * 2 + (along):                                                       \
    return pack_tiles(size, isLeft, along, f, i, k, packed);
  switch (f->size * 4 + isLeft * 2 + (f->along == 1)) {
    FORM_CASE(4, 0, 0) FORM_CASE(4, 0, 1) FORM_CASE(4, 1, 0) FORM_CASE(4, 1, 1)
    FORM_CASE(2, 0, 0) FORM_CASE(2, 0, 1) FORM_CASE(2, 1, 0) FORM_CASE(2, 1, 1)
  }
#undef FORM_CASE
}

/// C = A B or C += A B for a panel of each, `inner` a multiple of BLOCK.
INLINE void multiply_tiles(
    const uint16_t *a, const uint16_t *b, int64_t inner, float *c, int64_t stride, int adds) {
  int64_t bytes = stride * (int64_t)sizeof(float);
  float *lower = c + 16 * stride;
  if (adds) {
    _tile_loadd(0, c, bytes);
    _tile_loadd(1, c + 16, bytes);
    _tile_loadd(2, lower, bytes);
    _tile_loadd(3, lower + 16, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t k = 0; k < inner; k += BLOCK, a += 2 * TILE, b += 2 * TILE) {
    _tile_loadd(6, b, 64);
    _tile_loadd(4, a, 64);
    _tile_loadd(7, b + TILE, 64);
    _tile_loadd(5, a + TILE, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, bytes);
  _tile_stored(1, c + 16, bytes);
  _tile_stored(2, lower, bytes);
  _tile_stored(3, lower + 16, bytes);
}

static __attribute__((noinline)) void panels_product_amx(
    const uint16_t *a, const uint16_t *b, int64_t inner, float *c, int64_t stride, int64_t rows,
    int64_t columns, int adds, const char *next, int64_t nextBytes) {
  for (int64_t n = 0; n < nextBytes; n += 64) __builtin_prefetch(next + n, 0, 2);
  if (rows == PANEL && columns == PANEL) return multiply_tiles(a, b, inner, c, stride, adds);
  float edge[PANEL][PANEL];
  size_t bytes = (size_t)columns * sizeof(float);
  if (adds)
    for (int64_t r = 0; r < rows; r++) memcpy(edge[r], c + r * stride, bytes);
  multiply_tiles(a, b, inner, edge[0], PANEL, adds);
  for (int64_t r = 0; r < rows; r++) memcpy(c + r * stride, edge[r], bytes);
}
