// Products of few rows, as in generating text: B is read once, from one end to the other, and never packed.
// Included once for each processor level that has fused multiply-adds.

/// Adds a block of the inner dimension, `depth` of it, to sixteen columns of each row.
///
/// - right: BLOCK rows of B, rounded; those behind `depth` are zeros.
/// - left: BLOCK elements of each row of A.
/// - sums: of each row, PANEL apart.
INLINE void LEVEL(add_block)(
    int64_t rows, const Lanes right[BLOCK], const float left[FEW_ROWS][BLOCK], Lanes *sums) {
  UNROLLED for (int64_t r = 0; r < rows; r++) {
    Lanes even = {0}, odd = {0};
    UNROLLED for (int k = 0; k < BLOCK; k += 2) {
      even = __builtin_elementwise_fma(lanes_fill(left[r][k]), right[k], even);
      odd = __builtin_elementwise_fma(lanes_fill(left[r][k + 1]), right[k + 1], odd);
    }
    sums[r] += even + odd;
  }
}

/// The first n <= 16 columns of B from `column` on, and BLOCK inner indices from `k` on.
INLINE void LEVEL(read_block)(
    const Operand *b, int64_t column, int64_t n, int64_t k, Lanes right[BLOCK]) {
  int64_t depth = smaller(BLOCK, b->inner - k);
  const char *source = element_of(b, column, k);
  if (b->along == 1) {
    UNROLLED for (int half = 0; half < BLOCK; half += LANE_COUNT) {
      int64_t count = depth - half < 0 ? 0 : smaller(LANE_COUNT, depth - half);
      for (int i = 0; i < LANE_COUNT; i++) {
        right[half + i] = (Lanes){0};
        if (i < n)
          read_rounded(
              &right[half + i], source + (i * b->across + half) * b->size, b->size, count);
      }
      transpose(right + half);
    }
  } else {
    for (int i = 0; i < BLOCK; i++) {
      right[i] = (Lanes){0};
      if (i < depth) read_rounded(&right[i], source + i * b->along * b->size, b->size, n);
    }
  }
}

/// All blocks of all columns. The order of the loops follows the memory of B.
static __attribute__((noinline)) void LEVEL(add_few_rows)(
    const Operand *b, const float (*left)[FEW_ROWS][BLOCK], const Product *p) {
  int64_t blocks = (p->inner + BLOCK - 1) / BLOCK;
  int64_t outer = b->along == 1 ? 1 : blocks, within = blocks / outer;
  for (int64_t block = 0; block < outer; block++) {
    for (int64_t j = 0; j < p->columns; j += LANE_COUNT) {
      int64_t n = smaller(LANE_COUNT, p->columns - j);
      Lanes sums[FEW_ROWS], right[BLOCK];
      for (int64_t r = 0; r < p->rows; r++) {
        sums[r] = (Lanes){0};
        if (p->adds || block > 0) lanes_read_into(&sums[r], p->c + r * p->stride + j, n);
      }
      for (int64_t inner = 0; inner < within; inner++) {
        int64_t place = block + inner;
        LEVEL(read_block)(b, j, n, place * BLOCK, right);
#define ROWS_CASE(count)                                                                          \
  case count: LEVEL(add_block)(count, right, left[place], sums); break;
        switch (p->rows) { ROWS_CASE(1) ROWS_CASE(2) ROWS_CASE(3) ROWS_CASE(4) }
#undef ROWS_CASE
      }
      for (int64_t r = 0; r < p->rows; r++)
        lanes_write_from(&sums[r], p->c + r * p->stride + j, n);
    }
  }
}

static void LEVEL(multiply_few_rows)(const Operand *b, const Product *p) {
  Operand a = operand_of(p->a, 1, p->rows, p->inner);
  int64_t blocks = (p->inner + BLOCK - 1) / BLOCK;
  float(*left)[FEW_ROWS][BLOCK] = product_scratch((size_t)blocks * sizeof *left);
  for (int64_t k = 0; k < blocks * BLOCK; k++)
    for (int64_t r = 0; r < p->rows; r++) {
      Lanes element = {0};
      if (k < p->inner) read_rounded(&element, element_of(&a, r, k), a.size, 1);
      left[k / BLOCK][r][k % BLOCK] = element[0];
    }
  unsigned before = begin_flushing();
  LEVEL(add_few_rows)(b, (const float(*)[FEW_ROWS][BLOCK])left, p);
  end_flushing(before);
}
