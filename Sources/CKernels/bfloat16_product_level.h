// The loops around the products of panels, included once for each processor level after what defines, of
// that level:
//
//   Packed           the type of a packed element
//   CHUNK            inner indices of a panel of A that stays in the first-level cache
//   LONGEST          the most inner indices that are packed together
//   ELEMENTS         of a block of B, which stays in the second-level cache
//   pack_block       packs a panel of one block of the inner dimension
//   panels_product   multiplies two panels
//   begin, end       around panels_product, for the state of the processor
//
// and `multiply_few_rows` where MULTIPLIES_FEW_ROWS is defined. Tiles walk along the rows of C, whose lines
// then lie on few pages. A is packed once for all blocks of B.

/// Packs `depth` inner indices from `k` on, a multiple of BLOCK, of `count` rows or columns from `i` on, as
/// panels of depth * PANEL elements; in the order in which they lie in memory.
static void LEVEL(pack_part)(
    const Operand *f, int isLeft, int64_t i, int64_t count, int64_t k, int64_t depth,
    LEVEL(Packed) *packed) {
  if (f->along == 1) {
    for (int64_t r = 0; r < count; r += PANEL)
      for (int64_t n = 0; n < depth; n += BLOCK)
        LEVEL(pack_block)(f, isLeft, i + r, k + n, packed + r * depth + n * PANEL);
  } else {
    for (int64_t n = 0; n < depth; n += BLOCK)
      for (int64_t r = 0; r < count; r += PANEL)
        LEVEL(pack_block)(f, isLeft, i + r, k + n, packed + r * depth + n * PANEL);
  }
}

static void LEVEL(pack)(CKernels_Factor factor, int64_t inner, int64_t columns, float *packed) {
  Operand b = operand_of(factor, 0, columns, inner);
  LEVEL(pack_part)(&b, 0, 0, columns, 0, rounded_up(inner, BLOCK), (LEVEL(Packed) *)packed);
}

/// Where the factors of a part of a product lie: `depth` inner indices of `rows` by `columns`.
typedef struct LEVEL(Part) {
  const LEVEL(Packed) *a, *b;
  /// Elements from one panel of B to the next.
  int64_t step;
  int64_t depth, row, rows, column, columns;
  int adds;
  /// Null but for the last inner indices.
  const CKernels_Epilogue *epilogue;
} LEVEL(Part);

static void LEVEL(multiply_part)(const Product *p, LEVEL(Part) part) {
  int64_t chunk = part_of(part.depth, LEVEL(CHUNK), BLOCK);
  // Meanwhile each product asks for its share of the next panel of A.
  int64_t share = rounded_up(
      chunk * PANEL * (int64_t)sizeof(LEVEL(Packed)) * PANEL / part.columns, 64);
  for (int64_t r = 0; r < part.rows; r += PANEL) {
    int64_t height = smaller(PANEL, part.rows - r), row = part.row + r;
    int before = LEVEL(begin)();
    for (int64_t n = 0; n < part.depth; n += chunk) {
      int64_t deep = smaller(chunk, part.depth - n);
      const LEVEL(Packed) *a = part.a + r * part.depth + n * PANEL;
      const char *next = (const char *)(a + deep * PANEL);
      for (int64_t v = 0; v < part.columns; v += PANEL, next += share)
        LEVEL(panels_product)(
            a, part.b + v / PANEL * part.step + n * PANEL, deep,
            p->c + row * p->stride + part.column + v, p->stride, height,
            smaller(PANEL, part.columns - v), part.adds || n > 0, next, share);
    }
    LEVEL(end)(before);
    if (part.epilogue) finish_rows(part.epilogue, p, row, height, part.column, part.columns);
  }
}

/// - b: packed, or null: `factor` is packed block by block.
static void LEVEL(multiply_blocks)(
    const PackedFactor *packed, const Operand *b, const Product *p) {
  Operand a = operand_of(p->a, 1, p->rows, p->inner);
  int64_t inner = rounded_up(p->inner, BLOCK);
  int64_t longest = part_of(inner, LEVEL(LONGEST), BLOCK);
  int64_t width = part_of(p->columns, LEVEL(ELEMENTS) / longest, PANEL);
  int64_t most = part_of(p->rows, MOST_ROWS, PANEL);
  int64_t count = most * longest + (packed ? 0 : width * longest);
  LEVEL(Packed) *packedA = product_scratch((size_t)count * sizeof(LEVEL(Packed)));
  LEVEL(Packed) *blockB = packedA + most * longest;
  for (int64_t i = 0; i < p->rows; i += most)
    for (int64_t k = 0; k < inner; k += longest) {
      LEVEL(Part) part = {
          .a = packedA,
          .depth = smaller(longest, inner - k),
          .row = i,
          .rows = smaller(most, p->rows - i),
          .adds = p->adds || k > 0,
          .epilogue = k + longest >= inner ? p->epilogue : NULL};
      LEVEL(pack_part)(&a, 1, i, part.rows, k, part.depth, packedA);
      for (int64_t j = 0; j < p->columns; j += width) {
        part.column = j;
        part.columns = smaller(width, p->columns - j);
        if (packed) {
          int64_t length = rounded_up(packed->inner, BLOCK);
          part.b = (const LEVEL(Packed) *)packed->elements + j * length + k * PANEL;
          part.step = length * PANEL;
        } else {
          LEVEL(pack_part)(b, 0, j, part.columns, k, part.depth, blockB);
          part.b = blockB;
          part.step = part.depth * PANEL;
        }
        LEVEL(multiply_part)(p, part);
      }
    }
}

static void LEVEL(multiply_packed)(PackedFactor b, const Product *p) {
  LEVEL(multiply_blocks)(&b, NULL, p);
}

static void LEVEL(multiply)(CKernels_Factor factor, const Product *p) {
  Operand b = operand_of(factor, 0, p->columns, p->inner);
#if defined(MULTIPLIES_FEW_ROWS)
  if (p->rows <= FEW_ROWS) {
    LEVEL(multiply_few_rows)(&b, p);
    if (p->epilogue) finish_rows(p->epilogue, p, 0, p->rows, 0, p->columns);
    return;
  }
#endif
  LEVEL(multiply_blocks)(NULL, &b, p);
}
