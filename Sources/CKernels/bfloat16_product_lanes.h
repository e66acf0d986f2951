// Packing and multiplying in single precision, in the order of the tile instruction. Included once for each
// processor level by bfloat16_product.c, which defines
//
//   TILE_ROWS       rows of a tile: two sums for each of its elements, and what feeds them, fit the registers
//   TILE_LANES      groups of sixteen columns in a tile
//   WITHOUT_FUSED   where the processor has no fused multiply-adds
//
// A packed panel holds rounded elements, widened again: for each inner index, those of PANEL rows of A or
// columns of B.

typedef float LEVEL(Packed);
enum {
  LEVEL(CHUNK) = 512,
  LEVEL(LONGEST) = 512,
  LEVEL(ELEMENTS) = 192 * 1024,
};

static __attribute__((noinline)) void LEVEL(pack_block)(
    const Operand *f, int isLeft, int64_t i, int64_t k, float *packed) {
  (void)isLeft;
  for (int64_t end = k + BLOCK; k < end; k += LANE_COUNT, packed += LANE_COUNT * PANEL) {
    for (int half = 0; half < PANEL; half += LANE_COUNT) {
      Lanes lanes[LANE_COUNT];
      int64_t across = f->count - i - half, along = f->inner - k;
      const char *source = element_of(f, i + half, k);
      int64_t bytes = (f->along == 1 ? f->across : f->along) * f->size;
      int64_t lines = f->along == 1 ? across : along, count = f->along == 1 ? along : across;
      for (int r = 0; r < LANE_COUNT; r++) __builtin_prefetch(source + r * bytes + 512);
      UNROLLED for (int r = 0; r < LANE_COUNT; r++) {
        lanes[r] = (Lanes){0};
        if (r < lines && count > 0)
          read_rounded(&lanes[r], source + r * bytes, f->size, smaller(count, LANE_COUNT));
      }
      if (f->along == 1) transpose(lanes);
      UNROLLED for (int r = 0; r < LANE_COUNT; r++) lanes_store(packed + r * PANEL + half, lanes[r]);
    }
  }
}

#if defined(WITHOUT_FUSED)
INLINE float LEVEL(flushed)(float x) {
  return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0, x) : x;
}

/// A sum rounded to single precision; below half a unit under the smallest normal number, zero.
INLINE float LEVEL(narrowed)(double sum) {
  if (__builtin_fabs(sum) < 0x1p-126 - 0x1p-151) return __builtin_copysignf(0, (float)sum);
  return (float)sum;
}

/// a b + c for a and b of bfloat16, rounded once. The product is exact in double precision; a sum that is
/// rounded to odd there rounds to single precision as if it were exact (Boldo and Melquiond, 2008).
INLINE float LEVEL(fused)(float a, float b, float c) {
  double product = (double)LEVEL(flushed)(a) * LEVEL(flushed)(b), addend = LEVEL(flushed)(c);
  double sum = product + addend, part = sum - product;
  double error = (product - (sum - part)) + (addend - part);
  if (error != 0 && __builtin_fabs(sum) < __builtin_inf()) {
    int64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if (!(bits & 1)) bits += (error > 0) == (sum > 0) ? 1 : -1;
    memcpy(&sum, &bits, sizeof bits);
  }
  return LEVEL(narrowed)(sum);
}

INLINE float LEVEL(sum)(float a, float b) {
  return LEVEL(narrowed)((double)LEVEL(flushed)(a) + LEVEL(flushed)(b));
}

static void LEVEL(panels_product)(
    const float *a, const float *b, int64_t inner, float *c, int64_t stride, int64_t rows,
    int64_t columns, int adds, const char *next, int64_t nextBytes) {
  (void)next, (void)nextBytes;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < columns; j++) {
      float total = adds ? c[r * stride + j] : 0;
      for (int64_t k = 0; k < inner; k += BLOCK) {
        float even = 0, odd = 0;
        for (int64_t n = k; n < k + BLOCK; n += 2) {
          even = LEVEL(fused)(a[n * PANEL + r], b[n * PANEL + j], even);
          odd = LEVEL(fused)(a[(n + 1) * PANEL + r], b[(n + 1) * PANEL + j], odd);
        }
        total = LEVEL(sum)(total, LEVEL(sum)(even, odd));
      }
      c[r * stride + j] = total;
    }
}

INLINE int LEVEL(begin)(void) { return 0; }
INLINE void LEVEL(end)(int unused) { (void)unused; }
#else

/// Adds one block to a tile of sums in memory, whose rows are PANEL apart.
INLINE void LEVEL(add_tile)(const int rows, const float *a, const float *b, float *sums) {
  Lanes even[TILE_ROWS][TILE_LANES], odd[TILE_ROWS][TILE_LANES];
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < TILE_LANES; j++) even[i][j] = odd[i][j] = (Lanes){0};
  for (int k = 0; k < BLOCK; k += 2, a += 2 * PANEL, b += 2 * PANEL) {
    UNROLLED for (int parity = 0; parity < 2; parity++) {
      Lanes right[TILE_LANES];
      UNROLLED for (int j = 0; j < TILE_LANES; j++)
        right[j] = lanes_load(b + parity * PANEL + LANE_COUNT * j);
      UNROLLED for (int i = 0; i < rows; i++) {
        // Not zeros plus the element, which would lose the sign of a zero.
        Lanes left = lanes_fill(a[parity * PANEL + i]);
        UNROLLED for (int j = 0; j < TILE_LANES; j++) {
          Lanes *sum = parity ? &odd[i][j] : &even[i][j];
          *sum = __builtin_elementwise_fma(left, right[j], *sum);
        }
      }
    }
  }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < TILE_LANES; j++) {
      float *place = sums + i * PANEL + LANE_COUNT * j;
      Lanes total = lanes_load(place);
      total += even[i][j] + odd[i][j];
      lanes_store(place, total);
    }
}

/// Copies a row of at most PANEL sums, without a call where there are as many.
INLINE void LEVEL(copy_row)(float *destination, const float *source, int64_t columns) {
  if (columns == PANEL)
    memcpy(destination, source, PANEL * sizeof(float));
  else
    memcpy(destination, source, (size_t)columns * sizeof(float));
}

static __attribute__((noinline)) void LEVEL(panels_product)(
    const float *a, const float *b, int64_t inner, float *c, int64_t stride, int64_t rows,
    int64_t columns, int adds, const char *next, int64_t nextBytes) {
  for (int64_t n = 0; n < nextBytes; n += 64) __builtin_prefetch(next + n, 0, 2);
  _Alignas(64) float sums[PANEL][PANEL];
  for (int64_t r = 0; r < rows; r++) {
    if (!adds || columns < PANEL) memset(sums[r], 0, sizeof sums[r]);
    if (adds) LEVEL(copy_row)(sums[r], c + r * stride, columns);
  }
  int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  // Block by block, so that all tiles read one from the first-level cache.
  for (int64_t k = 0; k < inner; k += BLOCK)
    for (int64_t t = 0; t < tiles; t++) {
      int64_t i = rows * t / tiles, height = rows * (t + 1) / tiles - i;
      const float *left = a + k * PANEL + i;
      for (int64_t j = 0; j < columns; j += LANE_COUNT * TILE_LANES) {
        const float *right = b + k * PANEL + j;
#define HEIGHT_CASE(n)                                                                            \
  case n: LEVEL(add_tile)(n, left, right, sums[i] + j); break;
        switch (height) {
          HEIGHT_CASE(1) HEIGHT_CASE(2) HEIGHT_CASE(3)
#if TILE_ROWS > 3
          HEIGHT_CASE(4) HEIGHT_CASE(5) HEIGHT_CASE(6) HEIGHT_CASE(7)
#endif
        }
#undef HEIGHT_CASE
      }
    }
  for (int64_t r = 0; r < rows; r++) LEVEL(copy_row)(c + r * stride, sums[r], columns);
}

INLINE int LEVEL(begin)(void) { return (int)begin_flushing(); }
INLINE void LEVEL(end)(int before) { end_flushing((unsigned)before); }
#endif
