// The float32 product of one processor level, included once for each by float32_product.c, which defines:
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
/// - rows, lanes: constants where this is expanded, as is one of the left factor's steps, whose element
///   of row i and inner index k is a[i * rowStep + k * innerStep].
/// - b: rows of `lanes` times sixteen, `rightStep` apart.
INLINE void LEVEL(tile)(
    const int rows, const int lanes, const int64_t rowStep, const int64_t innerStep, const float *a,
    const float *b, int64_t rightStep, int64_t inner, Target c) {
  Lanes sums[TILE_ROWS][TILE_LANES];
  // One pointer for three rows: an address may hold a base and one or two strides, and fourteen
  // pointers would not fit the registers.
  const float *bases[(TILE_ROWS + 2) / 3];
  UNROLLED for (int i = 0; i < rows; i += 3) bases[i / 3] = a + i * rowStep;
  UNROLLED for (int i = 0; i < rows; i++) {
    UNROLLED for (int j = 0; j < lanes; j++) {
      __builtin_prefetch(c.elements + i * c.stride + j * LANE_COUNT, 1);
      sums[i][j] = (Lanes){0};
    }
  }
  for (int64_t k = 0; k < inner; k++) {
    Lanes right[TILE_LANES];
    UNROLLED for (int j = 0; j < lanes; j++) {
      right[j] = lanes_load(b + j * LANE_COUNT);
      __builtin_prefetch(b + j * LANE_COUNT + PREFETCHED_STEPS * rightStep);
    }
    if (rowStep == 1) {
      const float *column = bases[0] + PREFETCHED_STEPS * innerStep;
      __builtin_prefetch(column);
      __builtin_prefetch(column + rows - 1);
    }
    UNROLLED for (int i = 0; i < rows; i++) {
      Lanes left = lanes_fill(bases[i / 3][i % 3 * rowStep]);
      UNROLLED for (int j = 0; j < lanes; j++)
        sums[i][j] = __builtin_elementwise_fma(left, right[j], sums[i][j]);
    }
    UNROLLED for (int i = 0; i < rows; i += 3) bases[i / 3] += innerStep;
    b += rightStep;
  }
  UNROLLED for (int j = 0; j < lanes; j++) {
    float *column = c.elements + j * LANE_COUNT;
    int64_t left = c.columns - j * LANE_COUNT, n = left < LANE_COUNT ? left : LANE_COUNT;
    Lanes bias = c.bias && n > 0 ? lanes_read(c.bias + j * LANE_COUNT, n) : (Lanes){0};
    UNROLLED for (int i = 0; i < rows; i++) {
      float *destination = column + i * c.stride;
      if (n == LANE_COUNT) {
        Lanes sum = c.adds ? lanes_load(destination) + sums[i][j] : sums[i][j];
        lanes_store(destination, c.bias ? sum + bias : sum);
      } else if (n > 0) {
        Lanes sum = c.adds ? lanes_read(destination, n) + sums[i][j] : sums[i][j];
        lanes_write(destination, c.bias ? sum + bias : sum, n);
      }
    }
  }
}

#define TILE_CASE(height)                                                                         \
  case height:                                                                                    \
    if (c.columns > TILE_COLUMNS - LANE_COUNT)                                                    \
      LEVEL(tile)(height, TILE_LANES, ROW_STEP, INNER_STEP, a, b, rightStep, inner, c);           \
    else                                                                                          \
      LEVEL(tile)(height, 1, ROW_STEP, INNER_STEP, a, b, rightStep, inner, c);                    \
    break;
#if TILE_ROWS > 6
#define TILE_CASES                                                                                \
  TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)      \
  TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12) TILE_CASE(13) TILE_CASE(14)
#else
#define TILE_CASES                                                                                \
  TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
#endif

/// A tile whose left factor lies in rows, `step` apart.
static __attribute__((noinline)) void LEVEL(tile_of_rows)(
    int64_t rows, const float *a, int64_t step, const float *b, int64_t rightStep, int64_t inner,
    Target c) {
#define ROW_STEP step
#define INNER_STEP 1
  switch (rows) { TILE_CASES }
#undef ROW_STEP
#undef INNER_STEP
}

/// A tile whose left factor lies in columns, `step` apart.
static __attribute__((noinline)) void LEVEL(tile_of_columns)(
    int64_t rows, const float *a, int64_t step, const float *b, int64_t rightStep, int64_t inner,
    Target c) {
#define ROW_STEP 1
#define INNER_STEP step
  switch (rows) { TILE_CASES }
#undef ROW_STEP
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
    CKernels_Factor a, RightFactor b, int64_t start, Target c, int64_t rows, int64_t inner,
    const CKernels_Epilogue *epilogue, float *sliver) {
  int64_t sliverCount = (rows + TILE_ROWS - 1) / TILE_ROWS;
  int copies = copies_left(a, c.columns);
  a.elements += a.transposed ? start * a.stride : start;
  for (int64_t s = 0; s < sliverCount; s++) {
    // All about as high: a last one of a single row would leave the vector unit idle.
    int64_t i = rows * s / sliverCount, height = rows * (s + 1) / sliverCount - i;
    const float *left = a.elements + (a.transposed ? i : i * a.stride);
    int64_t leftStep = a.stride;
    if (copies) {
      leftStep = a.transposed ? SLIVER_STEP : CKERNELS_PRODUCT_CHUNK;
      copy_sliver(left, a, height, inner, sliver);
      left = sliver;
    }
    Target row = c;
    row.elements += i * c.stride;
    const float *right = b.elements;
    for (int64_t j = 0, width; j < c.columns; j += width) {
      width = LEVEL(packed_width)(j, b.columns);
      int64_t rightStep = b.stride ? b.stride : width;
      Target tile = row;
      tile.elements += j;
      tile.columns = c.columns - j < width ? c.columns - j : width;
      if (c.bias) tile.bias += j;
      if (a.transposed)
        LEVEL(tile_of_columns)(
            height, left, leftStep, right + start * rightStep, rightStep, inner, tile);
      else
        LEVEL(tile_of_rows)(
            height, left, leftStep, right + start * rightStep, rightStep, inner, tile);
      right += b.stride ? width : b.inner * width;
    }
    if (epilogue && epilogue->activated) activate_rows(epilogue, row, i, height);
  }
}

static void LEVEL(multiply_packed)(
    CKernels_Factor a, RightFactor b, Target c, int64_t rows, int64_t inner,
    const CKernels_Epilogue *epilogue) {
  for (int64_t k = 0; k < inner; k += CKERNELS_PRODUCT_CHUNK, c.adds = 1) {
    int64_t count = chunk_count(k, inner);
    const CKernels_Epilogue *last = k + count == inner ? epilogue : NULL;
    c.bias = last ? last->bias : NULL;
    LEVEL(multiply_chunk)(a, b, k, c, rows, count, last, scratch());
  }
}

/// Rows of B that are read together: a sum is loaded and stored once for all of them.
#define STEP 4

/// Adds to the sums, `columns` of each row, the products with `steps` rows of B; one after the other, as
/// everywhere.
INLINE void LEVEL(add_few_rows)(
    int64_t rows, int64_t steps, const float *a, int64_t rowStep, int64_t innerStep, const float *b,
    int64_t stride, int64_t columns, float *sums) {
  Lanes left[FEW_ROWS][STEP];
  UNROLLED for (int64_t r = 0; r < rows; r++)
    UNROLLED for (int64_t k = 0; k < steps; k++)
      left[r][k] = lanes_fill(a[r * rowStep + k * innerStep]);
  int64_t i = 0;
  for (; i + LANE_COUNT <= columns; i += LANE_COUNT) {
    Lanes right[STEP];
    UNROLLED for (int64_t k = 0; k < steps; k++) right[k] = lanes_load(b + k * stride + i);
    UNROLLED for (int64_t r = 0; r < rows; r++) {
      Lanes sum = lanes_load(sums + r * columns + i);
      UNROLLED for (int64_t k = 0; k < steps; k++)
        sum = __builtin_elementwise_fma(left[r][k], right[k], sum);
      lanes_store(sums + r * columns + i, sum);
    }
  }
  for (; i < columns; i++)
    for (int64_t r = 0; r < rows; r++)
      for (int64_t k = 0; k < steps; k++)
        sums[r * columns + i] = __builtin_elementwise_fma(
            left[r][k][0], b[k * stride + i], sums[r * columns + i]);
}

/// C = A B, or C += A B, for few rows, as in generating text: B is read once, from one end to the other,
/// and never packed. The same bits: a chunk's sums gather in `sums`, of FEW_ROWS * FEW_COLUMNS floats.
static void LEVEL(multiply_few_rows)(
    CKernels_Factor a, CKernels_Factor b, Target c, int64_t rows, int64_t inner,
    const CKernels_Epilogue *epilogue, float *sums) {
  int64_t rowStep = a.transposed ? 1 : a.stride, innerStep = a.transposed ? a.stride : 1;
  memset(sums, 0, (size_t)(rows * c.columns) * sizeof(float));
#define FEW_ROWS_CASE(count)                                                                      \
  case count:                                                                                     \
    for (; k + STEP <= inner; k += STEP)                                                          \
      LEVEL(add_few_rows)(                                                                        \
          count, STEP, a.elements + k * innerStep, rowStep, innerStep, b.elements + k * b.stride, \
          b.stride, c.columns, sums);                                                             \
    for (; k < inner; k++)                                                                        \
      LEVEL(add_few_rows)(                                                                        \
          count, 1, a.elements + k * innerStep, rowStep, innerStep, b.elements + k * b.stride,    \
          b.stride, c.columns, sums);                                                             \
    break;
  int64_t k = 0;
  switch (rows) { FEW_ROWS_CASE(1) FEW_ROWS_CASE(2) FEW_ROWS_CASE(3) FEW_ROWS_CASE(4) }
#undef FEW_ROWS_CASE
  for (int64_t r = 0; r < rows; r++) {
    float *destination = c.elements + r * c.stride;
    const float *row = sums + r * c.columns;
    FOR_LANES(c.columns) {
      Lanes sum = lanes_read(row + i, n);
      if (c.adds) sum = lanes_read(destination + i, n) + sum;
      if (c.bias) sum += lanes_read(c.bias + i, n);
      lanes_write(destination + i, sum, n);
    }
  }
  if (epilogue && epilogue->activated) activate_rows(epilogue, c, 0, rows);
}

#undef STEP

/// Sixteen columns of C = A B, or C += A B, for few rows and a transposed factor, whose columns lie in
/// memory as rows of `inner` elements: transposed on the way, and never packed. The same bits.
INLINE void LEVEL(few_rows_of_transposed)(
    int64_t rows, const float *a, int64_t rowStep, int64_t innerStep, const float *b,
    int64_t bStride, Target c, int64_t column, int64_t inner) {
  Lanes sums[FEW_ROWS];
  UNROLLED for (int64_t r = 0; r < rows; r++) sums[r] = (Lanes){0};
  int64_t k = 0;
  for (; k + LANE_COUNT <= inner; k += LANE_COUNT) {
    Lanes right[LANE_COUNT];
    UNROLLED for (int i = 0; i < LANE_COUNT; i++) right[i] = lanes_load(b + i * bStride + k);
    transpose(right);
    UNROLLED for (int i = 0; i < LANE_COUNT; i++)
      UNROLLED for (int64_t r = 0; r < rows; r++)
        sums[r] = __builtin_elementwise_fma(
            lanes_fill(a[r * rowStep + (k + i) * innerStep]), right[i], sums[r]);
  }
  for (; k < inner; k++) {
    Lanes right;
    for (int i = 0; i < LANE_COUNT; i++) right[i] = b[i * bStride + k];
    UNROLLED for (int64_t r = 0; r < rows; r++)
      sums[r] = __builtin_elementwise_fma(
          lanes_fill(a[r * rowStep + k * innerStep]), right, sums[r]);
  }
  UNROLLED for (int64_t r = 0; r < rows; r++) {
    float *destination = c.elements + r * c.stride + column;
    if (c.adds) sums[r] = lanes_load(destination) + sums[r];
    if (c.bias) sums[r] += lanes_load(c.bias + column);
    lanes_store(destination, sums[r]);
  }
}

/// The same for a multiple of sixteen columns.
static void LEVEL(multiply_few_rows_transposed)(
    CKernels_Factor a, CKernels_Factor b, Target c, int64_t rows, int64_t inner,
    const CKernels_Epilogue *epilogue) {
  int64_t rowStep = a.transposed ? 1 : a.stride, innerStep = a.transposed ? a.stride : 1;
#define FEW_ROWS_CASE(count)                                                                      \
  case count:                                                                                     \
    for (int64_t j = 0; j < c.columns; j += LANE_COUNT)                                           \
      LEVEL(few_rows_of_transposed)(                                                              \
          count, a.elements, rowStep, innerStep, b.elements + j * b.stride, b.stride, c, j,       \
          inner);                                                                                 \
    break;
  switch (rows) { FEW_ROWS_CASE(1) FEW_ROWS_CASE(2) FEW_ROWS_CASE(3) FEW_ROWS_CASE(4) }
#undef FEW_ROWS_CASE
  if (epilogue && epilogue->activated) activate_rows(epilogue, c, 0, rows);
}

static void LEVEL(multiply)(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  float *sliver = scratch(), *packed = sliver + SLIVER_COUNT;
  // Of few rows, packing would be most of the work: only the last columns of what has to be transposed
  // are packed, if they do not fill the lanes.
  int64_t block = rows > FEW_ROWS ? BLOCK_COLUMNS : b.transposed ? LANE_COUNT : FEW_COLUMNS;
  for (int64_t j = 0; j < columns; j += block) {
    int64_t width = columns - j < block ? columns - j : block;
    CKernels_Epilogue own = epilogue_from(epilogue, j);
    for (int64_t k = 0; k < inner; k += CKERNELS_PRODUCT_CHUNK) {
      int64_t count = chunk_count(k, inner);
      CKernels_Factor right = b, left = a;
      right.elements += b.transposed ? j * b.stride + k : k * b.stride + j;
      left.elements += a.transposed ? k * a.stride : k;
      const CKernels_Epilogue *last = epilogue && k + count == inner ? &own : NULL;
      Target target = {c + j, stride, width, adds || k > 0, last ? last->bias : NULL};
      if (rows <= FEW_ROWS && b.transposed && width % LANE_COUNT == 0) {
        LEVEL(multiply_few_rows_transposed)(left, right, target, rows, count, last);
        continue;
      }
      if (rows <= FEW_ROWS && !b.transposed) {
        LEVEL(multiply_few_rows)(left, right, target, rows, count, last, packed);
        continue;
      }
      RightFactor factor = {packed, count, width, 0};
      if (stays_in_place(right, count) && width % TILE_COLUMNS == 0) {
        factor.elements = right.elements;
        factor.stride = right.stride;
      } else {
        LEVEL(pack)(right, count, width, packed);
      }
      LEVEL(multiply_chunk)(left, factor, 0, target, rows, count, last, sliver);
    }
  }
}

#undef TILE_COLUMNS
