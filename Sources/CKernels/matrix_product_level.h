// The matrix product of one processor level, included once for each by matrix_product.c, which defines:
//
//   LEVEL(name)   the name with the level's suffix
//   TILE_ROWS     rows of a tile: its accumulators and what feeds them fit the registers
//   TILE_LANES    groups of sixteen columns in a tile
//
// The organisation is that of Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication" (2008), with the roles of the caches exchanged: a block of the right factor stays
// in the second-level cache, a sliver of the left one, TILE_ROWS high, in the first-level cache.

#define TILE_COLUMNS (TILE_LANES * LANE_COUNT)

/// One tile: its sum over a chunk of the inner dimension, written to C or added to it.
///
/// - rows, lanes, innerStep: constants where this is expanded. The left factor's element of row i and
///   inner index k is a[i * rowStride + k * innerStep].
/// - b: packed, rows of `lanes` times sixteen.
/// - columns: how many of the tile's columns C has.
INLINE void LEVEL(tile)(
    const int rows, const int lanes, const int64_t rowStride, const int innerStep, const float *a,
    const float *b, float *c, int64_t stride, int64_t inner, int adds, int64_t columns) {
  Lanes sums[TILE_ROWS][TILE_LANES];
  // One pointer for three rows: an address may hold a base and one or two strides, and fourteen
  // pointers would not fit the registers.
  const float *bases[(TILE_ROWS + 2) / 3];
  UNROLLED for (int i = 0; i < rows; i += 3) bases[i / 3] = a + i * rowStride;
  UNROLLED for (int i = 0; i < rows; i++) {
    UNROLLED for (int j = 0; j < lanes; j++) {
      __builtin_prefetch(c + i * stride + j * LANE_COUNT, 1);
      sums[i][j] = (Lanes){0};
    }
  }
  for (int64_t k = 0; k < inner; k++) {
    Lanes right[TILE_LANES];
    UNROLLED for (int j = 0; j < lanes; j++) right[j] = lanes_load(b + j * LANE_COUNT);
    UNROLLED for (int i = 0; i < rows; i++) {
      Lanes left = lanes_fill(bases[i / 3][i % 3 * rowStride]);
      UNROLLED for (int j = 0; j < lanes; j++)
        sums[i][j] = __builtin_elementwise_fma(left, right[j], sums[i][j]);
    }
    UNROLLED for (int i = 0; i < rows; i += 3) bases[i / 3] += innerStep;
    b += lanes * LANE_COUNT;
  }
  UNROLLED for (int i = 0; i < rows; i++) {
    UNROLLED for (int j = 0; j < lanes; j++) {
      float *destination = c + i * stride + j * LANE_COUNT;
      int64_t left = columns - j * LANE_COUNT, n = left < LANE_COUNT ? left : LANE_COUNT;
      if (n == LANE_COUNT) {
        lanes_store(destination, adds ? lanes_load(destination) + sums[i][j] : sums[i][j]);
      } else if (n > 0) {
        lanes_write(destination, adds ? lanes_read(destination, n) + sums[i][j] : sums[i][j], n);
      }
    }
  }
}

#define TILE_CASE(height)                                                                         \
  case height:                                                                                    \
    if (columns > TILE_COLUMNS - LANE_COUNT)                                                      \
      LEVEL(tile)(                                                                                \
          height, TILE_LANES, ROW_STRIDE, INNER_STEP, a, b, c, stride, inner, adds, columns);     \
    else                                                                                          \
      LEVEL(tile)(height, 1, ROW_STRIDE, INNER_STEP, a, b, c, stride, inner, adds, columns);      \
    break;
#if TILE_ROWS > 6
#define TILE_CASES                                                                                \
  TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)      \
  TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12) TILE_CASE(13) TILE_CASE(14)
#else
#define TILE_CASES                                                                                \
  TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
#endif

/// A tile whose left factor lies in rows, `rowStride` apart.
static __attribute__((noinline)) void LEVEL(tile_of_rows)(
    int64_t rows, const float *a, int64_t rowStride, const float *b, float *c, int64_t stride,
    int64_t inner, int adds, int64_t columns) {
#define ROW_STRIDE rowStride
#define INNER_STEP 1
  switch (rows) { TILE_CASES }
#undef ROW_STRIDE
#undef INNER_STEP
}

/// A tile whose left factor lies in columns, TILE_ROWS apart.
static __attribute__((noinline)) void LEVEL(tile_of_columns)(
    int64_t rows, const float *a, const float *b, float *c, int64_t stride, int64_t inner, int adds,
    int64_t columns) {
#define ROW_STRIDE 1
#define INNER_STEP TILE_ROWS
  switch (rows) { TILE_CASES }
#undef ROW_STRIDE
#undef INNER_STEP
}

#undef TILE_CASES
#undef TILE_CASE

/// Columns of the packed sliver that starts at `column` of `columns`, the padding included.
INLINE int64_t LEVEL(packed_width)(int64_t column, int64_t columns) {
  return columns - column > TILE_COLUMNS - LANE_COUNT ? TILE_COLUMNS : LANE_COUNT;
}

/// Packs a right factor: slivers of TILE_COLUMNS columns (the last one of sixteen, if that is enough),
/// each row by row, padded with zeros.
static void LEVEL(pack)(CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  for (int64_t j = 0, width; j < columns; j += width, packed += inner * width) {
    width = LEVEL(packed_width)(j, columns);
    for (int64_t v = 0; v < width; v += LANE_COUNT) {
      int64_t left = columns - j - v, n = left < LANE_COUNT ? (left > 0 ? left : 0) : LANE_COUNT;
      if (!b.transposed && v == 0 && width == 2 * LANE_COUNT && left >= width) {
        const float *source = b.elements + j;
        for (int64_t k = 0; k < inner; k++)
          memcpy(packed + k * width, source + k * b.stride, 2 * sizeof(Lanes));
        break;
      }
      if (b.transposed) {
        pack_transposed(b.elements + (j + v) * b.stride, b.stride, inner, n, packed + v, width);
      } else {
        for (int64_t k = 0; k < inner; k++)
          lanes_store(packed + k * width + v, lanes_read(b.elements + k * b.stride + j + v, n));
      }
    }
  }
}

/// C = A B, or C += A B, over the chunk of the inner dimension that starts at `start`. `sliver` holds
/// SLIVER_COUNT floats.
static void LEVEL(multiply_chunk)(
    CKernels_Factor a, Packed b, int64_t start, float *c, int64_t stride, int64_t rows,
    int64_t columns, int64_t inner, int adds, const CKernels_Epilogue *epilogue, float *sliver) {
  int64_t sliverCount = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (int64_t s = 0; s < sliverCount; s++) {
    // All about as high: a last one of a single row would leave the vector unit idle.
    int64_t i = rows * s / sliverCount, height = rows * (s + 1) / sliverCount - i;
    const float *left = a.transposed ? sliver : a.elements + i * a.stride + start;
    int64_t leftStride = a.stride;
    if (a.transposed) {
      copy_columns(a.elements + start * a.stride + i, a.stride, height, inner, sliver, TILE_ROWS);
    } else if (collides(a.stride)) {
      for (int64_t r = 0; r < height; r++)
        memcpy(
            sliver + r * CKERNELS_PRODUCT_CHUNK, left + r * a.stride,
            (size_t)inner * sizeof(float));
      left = sliver;
      leftStride = CKERNELS_PRODUCT_CHUNK;
    }
    float *row = c + i * stride;
    const float *right = b.elements;
    for (int64_t j = 0, width; j < columns; j += width, right += b.inner * width) {
      width = LEVEL(packed_width)(j, b.columns);
      const float *tile = right + start * width;
      int64_t count = columns - j < width ? columns - j : width;
      if (a.transposed)
        LEVEL(tile_of_columns)(height, left, tile, row + j, stride, inner, adds, count);
      else
        LEVEL(tile_of_rows)(height, left, leftStride, tile, row + j, stride, inner, adds, count);
    }
    if (epilogue) finish_rows(epilogue, row, stride, i, height, columns);
  }
}

static void LEVEL(multiply_packed)(
    CKernels_Factor a, Packed b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds) {
  for (int64_t k = 0; k < inner; k += CKERNELS_PRODUCT_CHUNK)
    LEVEL(multiply_chunk)(
        a, b, k, c, stride, rows, columns, chunk_count(k, inner), adds || k > 0, NULL, scratch());
}

/// C = A B, or C += A B, for few rows, as in generating text: B is read once, from one end to the other,
/// and never packed. The same bits: a chunk's sums gather in `sums`, of FEW_ROWS * FEW_COLUMNS floats.
static void LEVEL(multiply_few_rows)(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, float *sums) {
  int64_t rowStep = a.transposed ? 1 : a.stride, innerStep = a.transposed ? a.stride : 1;
  for (int64_t k = 0; k < inner; k++) {
    const float *right = b.elements + k * b.stride;
    for (int64_t r = 0; r < rows; r++) {
      Lanes left = lanes_fill(a.elements[r * rowStep + k * innerStep]);
      float *row = sums + r * columns;
      FOR_LANES(columns) {
        Lanes before = k == 0 ? (Lanes){0} : lanes_read(row + i, n);
        lanes_write(row + i, __builtin_elementwise_fma(left, lanes_read(right + i, n), before), n);
      }
    }
  }
  for (int64_t r = 0; r < rows; r++) {
    float *destination = c + r * stride;
    const float *row = sums + r * columns;
    FOR_LANES(columns) {
      Lanes sum = lanes_read(row + i, n);
      lanes_write(destination + i, adds ? lanes_read(destination + i, n) + sum : sum, n);
    }
  }
}

static void LEVEL(multiply)(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  float *sliver = scratch(), *packed = sliver + SLIVER_COUNT;
  // Of few rows, packing would be most of the work: only what has to be transposed is packed, and
  // stays in the first-level cache.
  int64_t block = rows > FEW_ROWS ? BLOCK_COLUMNS : b.transposed ? TILE_COLUMNS : FEW_COLUMNS;
  for (int64_t j = 0; j < columns; j += block) {
    int64_t width = columns - j < block ? columns - j : block;
    CKernels_Epilogue own = epilogue_from(epilogue, j);
    for (int64_t k = 0; k < inner; k += CKERNELS_PRODUCT_CHUNK) {
      int64_t count = chunk_count(k, inner);
      CKernels_Factor right = b, left = a;
      right.elements += b.transposed ? j * b.stride + k : k * b.stride + j;
      left.elements += a.transposed ? k * a.stride : k;
      const CKernels_Epilogue *last = epilogue && k + count == inner ? &own : NULL;
      if (rows <= FEW_ROWS && !b.transposed) {
        LEVEL(multiply_few_rows)(
            left, right, c + j, stride, rows, width, count, adds || k > 0, packed);
        if (last) finish_rows(last, c + j, stride, 0, rows, width);
      } else {
        LEVEL(pack)(right, count, width, packed);
        LEVEL(multiply_chunk)(
            left, (Packed){packed, count, width}, 0, c + j, stride, rows, width, count,
            adds || k > 0, last, sliver);
      }
    }
  }
}

#undef TILE_COLUMNS
