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

/// Writes the sums of a tile whose last columns do not fill the lanes.
static __attribute__((noinline)) void LEVEL(write_narrow)(
    int64_t rows, Lanes (*sums)[TILE_LANES], const Target *c) {
  for (int64_t i = 0; i < rows; i++) {
    float *row = c->elements + i * c->stride;
    for (int64_t j = 0; j * LANE_COUNT < c->columns; j++) {
      int64_t column = j * LANE_COUNT, left = c->columns - column;
      int64_t n = left < LANE_COUNT ? left : LANE_COUNT;
      Lanes sum = sums[i][j];
      if (c->adds) sum = lanes_read(row + column, n) + sum;
      if (c->bias) sum += lanes_read(c->bias + column, n);
      lanes_write(row + column, sum, n);
    }
  }
}

/// One tile: its sum over a chunk of the inner dimension, written to C or added to it.
///
/// - rows, lanes, isColumns: constants where this is expanded.
/// - isColumns: whether the left factor lies in columns, `step` apart, instead of rows.
/// - b: rows of `lanes` times sixteen, `rightStep` apart.
/// - target: by reference. A copy on the stack would be read before its parts are all written, and wait
///   for what the tile before has stored.
INLINE void LEVEL(tile)(
    const int rows, const int lanes, const int isColumns, int64_t step, const float *a,
    const float *b, int64_t rightStep, int64_t inner, const Target *target) {
  int64_t rowStep = isColumns ? 1 : step, innerStep = isColumns ? step : 1;
  Lanes sums[TILE_ROWS][TILE_LANES];
  // One pointer for three rows: an address may hold a base and one or two strides, and fourteen
  // pointers would not fit the registers.
  const float *bases[(TILE_ROWS + 2) / 3];
  UNROLLED for (int i = 0; i < rows; i += 3) bases[i / 3] = a + i * rowStep;
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < lanes; j++) sums[i][j] = (Lanes){0};
  // C is asked for row by row: all at once, its lines would keep the factors' waiting.
  float *row = target->elements, *lastRow = row + (rows - 1) * target->stride;
  for (int64_t k = 0; k < inner; k++) {
    Lanes right[TILE_LANES];
    UNROLLED for (int j = 0; j < lanes; j++) {
      right[j] = lanes_load(b + j * LANE_COUNT);
      __builtin_prefetch(b + j * LANE_COUNT + PREFETCHED_STEPS * rightStep);
    }
    UNROLLED for (int j = 0; j < lanes; j++) __builtin_prefetch(row + j * LANE_COUNT, 1);
    row = row < lastRow ? row + target->stride : row;
    if (isColumns) {
      const float *column = bases[0] + PREFETCHED_STEPS * innerStep;
      __builtin_prefetch(column);
      __builtin_prefetch(column + rows - 1);
    }
    UNROLLED for (int i = 0; i < rows; i++) {
      Lanes left = lanes_fill(bases[i / 3][i % 3 * rowStep]);
      UNROLLED for (int j = 0; j < lanes; j++)
        sums[i][j] = __builtin_elementwise_fma(left, right[j], sums[i][j]);
      KEEP_ORDER;
    }
    UNROLLED for (int i = 0; i < rows; i += 3) {
      bases[i / 3] += innerStep;
      HIDE(bases[i / 3]);
    }
    b += rightStep;
  }
  if (target->columns < lanes * LANE_COUNT) {
    // A copy: whose address is known does not stay in registers.
    Lanes copies[TILE_ROWS][TILE_LANES];
    UNROLLED for (int i = 0; i < rows; i++)
      UNROLLED for (int j = 0; j < lanes; j++) copies[i][j] = sums[i][j];
    return LEVEL(write_narrow)(rows, copies, target);
  }
  if (target->adds) {
    row = target->elements;
    UNROLLED for (int i = 0; i < rows; i++, row += target->stride) {
      HIDE(row);
      UNROLLED for (int j = 0; j < lanes; j++)
        sums[i][j] = lanes_load(row + j * LANE_COUNT) + sums[i][j];
    }
  }
  if (target->bias) {
    UNROLLED for (int j = 0; j < lanes; j++) {
      Lanes bias = lanes_load(target->bias + j * LANE_COUNT);
      UNROLLED for (int i = 0; i < rows; i++) sums[i][j] += bias;
    }
  }
  row = target->elements;
  UNROLLED for (int i = 0; i < rows; i++, row += target->stride) {
    HIDE(row);
    UNROLLED for (int j = 0; j < lanes; j++) lanes_store(row + j * LANE_COUNT, sums[i][j]);
  }
}

#define TILE_CASE(height)                                                                         \
  case height:                                                                                    \
    if (c->columns > TILE_COLUMNS - LANE_COUNT)                                                   \
      LEVEL(tile)(height, TILE_LANES, IS_COLUMNS, step, a, b, rightStep, inner, c);               \
    else                                                                                          \
      LEVEL(tile)(height, 1, IS_COLUMNS, step, a, b, rightStep, inner, c);                        \
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
    const Target *c) {
#define IS_COLUMNS 0
  switch (rows) { TILE_CASES }
#undef IS_COLUMNS
}

/// A tile whose left factor lies in columns, `step` apart.
static __attribute__((noinline)) void LEVEL(tile_of_columns)(
    int64_t rows, const float *a, int64_t step, const float *b, int64_t rightStep, int64_t inner,
    const Target *c) {
#define IS_COLUMNS 1
  switch (rows) { TILE_CASES }
#undef IS_COLUMNS
}

#undef TILE_CASES
#undef TILE_CASE

/// Columns of the packed sliver that starts at `column` of `columns`, the padding included.
INLINE int64_t LEVEL(packed_width)(int64_t column, int64_t columns) {
  return columns - column > TILE_COLUMNS - LANE_COUNT ? TILE_COLUMNS : LANE_COUNT;
}

/// Packs as many whole slivers of a right factor that is not transposed, some together: what lies together
/// is then read together.
///
/// Returns the columns that are packed.
INLINE int64_t LEVEL(pack_whole)(
    CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  int64_t whole = columns / TILE_COLUMNS, step = inner * TILE_COLUMNS;
  for (int64_t s = 0; s < whole; s += SLIVERS_TOGETHER) {
    int64_t count = whole - s < SLIVERS_TOGETHER ? whole - s : SLIVERS_TOGETHER;
    for (int64_t k = 0; k < inner; k++) {
      const float *source = b.elements + s * TILE_COLUMNS + k * b.stride;
      float *destination = packed + s * step + k * TILE_COLUMNS;
      for (int64_t i = 0; i < count * TILE_COLUMNS; i += LANE_COUNT)
        __builtin_prefetch(source + COPIED_AHEAD * b.stride + i);
      for (int64_t i = 0; i < count; i++)
        memcpy(
            destination + i * step, source + i * TILE_COLUMNS, TILE_COLUMNS * sizeof(float));
    }
  }
  return whole * TILE_COLUMNS;
}

/// Packs a right factor: slivers of TILE_COLUMNS columns (the last one of sixteen, if that is enough),
/// each row by row, padded with zeros.
static void LEVEL(pack)(CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  int64_t done = b.transposed ? 0 : LEVEL(pack_whole)(b, inner, columns, packed);
  packed += inner * done;
  for (int64_t j = done, width; j < columns; j += width, packed += inner * width) {
    width = LEVEL(packed_width)(j, columns);
    for (int64_t v = 0; v < width; v += LANE_COUNT) {
      int64_t left = columns - j - v, n = left < LANE_COUNT ? (left > 0 ? left : 0) : LANE_COUNT;
      if (b.transposed) {
        pack_transposed(b.elements + (j + v) * b.stride, b.stride, inner, n, packed + v, width);
      } else {
        for (int64_t k = 0; k < inner; k++)
          lanes_store(packed + k * width + v, lanes_read(b.elements + k * b.stride + j + v, n));
      }
    }
  }
}

INLINE int64_t LEVEL(sliver_count)(int64_t rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }

/// The first of `rows` rows of the left factor that belongs to a sliver. All are about as high: a last one
/// of a single row would leave the vector unit idle.
INLINE int64_t LEVEL(sliver_start)(int64_t sliver, int64_t rows) {
  return rows * sliver / LEVEL(sliver_count)(rows);
}

/// Copies slivers of a transposed left factor from `first` on, `SLIVERS_TOGETHER` of them or all that are
/// left, SLIVER_COUNT apart: from memory each line comes once, although slivers do not begin with lines.
INLINE void LEVEL(copy_columns)(
    CKernels_Factor a, int64_t rows, int64_t first, int64_t inner, float *slivers) {
  int64_t starts[SLIVERS_TOGETHER + 1], count = 0;
  starts[0] = LEVEL(sliver_start)(first, rows);
  while (count < SLIVERS_TOGETHER && starts[count] < rows) {
    count++;
    starts[count] = LEVEL(sliver_start)(first + count, rows);
  }
  for (int64_t k = 0; k < inner; k++) {
    const float *source = a.elements + k * a.stride;
    // Far apart, in a stride that the processor does not foresee.
    const float *ahead = source + COPIED_AHEAD * a.stride;
    for (int64_t r = starts[0]; r < starts[count]; r += LANE_COUNT) __builtin_prefetch(ahead + r);
    __builtin_prefetch(ahead + starts[count] - 1);
    for (int64_t s = 0; s < count; s++) {
      int64_t left = rows - starts[s], n = left < LANE_COUNT ? left : LANE_COUNT;
      lanes_store(
          slivers + s * SLIVER_COUNT + k * SLIVER_STEP, lanes_read(source + starts[s], n));
    }
  }
}

/// C = A B, or C += A B, over the chunk of the inner dimension that starts at `start`. `slivers`
/// holds SLIVERS_TOGETHER * SLIVER_COUNT floats.
static void LEVEL(multiply_chunk)(
    CKernels_Factor a, RightFactor b, int64_t start, Target c, int64_t rows, int64_t inner,
    const CKernels_Epilogue *epilogue, float *slivers) {
  int64_t sliverCount = LEVEL(sliver_count)(rows);
  int copies = copies_left(a, c.columns);
  a.elements += a.transposed ? start * a.stride : start;
  for (int64_t s = 0; s < sliverCount; s++) {
    int64_t i = LEVEL(sliver_start)(s, rows), height = LEVEL(sliver_start)(s + 1, rows) - i;
    const float *left = a.elements + (a.transposed ? i : i * a.stride);
    int64_t leftStep = a.stride;
    if (copies && a.transposed) {
      int64_t place = s % SLIVERS_TOGETHER;
      if (place == 0) LEVEL(copy_columns)(a, rows, s, inner, slivers);
      left = slivers + place * SLIVER_COUNT;
      leftStep = SLIVER_STEP;
    } else if (copies) {
      copy_rows(left, a.stride, height, inner, slivers);
      left = slivers;
      leftStep = CKERNELS_PRODUCT_CHUNK;
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
            height, left, leftStep, right + start * rightStep, rightStep, inner, &tile);
      else
        LEVEL(tile_of_rows)(
            height, left, leftStep, right + start * rightStep, rightStep, inner, &tile);
      right += b.stride ? width : b.inner * width;
    }
    finish_rows(epilogue, row, i, height);
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

static void LEVEL(multiply)(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  float *slivers = scratch(), *packed = slivers + SLIVERS_TOGETHER * SLIVER_COUNT;
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
      LEVEL(multiply_chunk)(left, factor, 0, target, rows, count, last, slivers);
    }
  }
}

#undef TILE_COLUMNS
