// Products of few rows in float32, as in generating text, of one processor level: packing the right factor
// would be most of the work. Included before float32_product_level.h.

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
  finish_rows(epilogue, c, 0, rows);
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
  finish_rows(epilogue, c, 0, rows);
}
