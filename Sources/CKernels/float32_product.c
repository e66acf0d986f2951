#include "CKernels.h"
#include "lanes.h"
#include "matrix_product.h"
#include "transpose.h"

/// Columns of a packed block of the right factor: with CKERNELS_PRODUCT_CHUNK rows it takes 768 KiB, which
/// the second-level caches of servers hold.
#define BLOCK_COLUMNS 768
/// Products of so few rows have kernels of their own, and blocks whose sums stay in the first-level cache.
#define FEW_ROWS 4
#define FEW_COLUMNS 3072
/// Steps along the inner dimension for which a tile asks ahead: factors that are read where they lie
/// come from far away, in strides that the processor does not foresee.
#define PREFETCHED_STEPS 12
/// Inner indices for which copying and packing ask ahead.
#define COPIED_AHEAD 16
/// Slivers that are copied or packed together.
#define SLIVERS_TOGETHER 4
/// Columns of a transposed left factor that are copied lie so far apart: not less than the highest tile.
#define SLIVER_STEP LANE_COUNT
#define SLIVER_COUNT (SLIVER_STEP * CKERNELS_PRODUCT_CHUNK)
/// Elements of a chunk of an untransposed right factor, from its first row to its last, up to which the
/// tiles read it where it lies: half of the second-level cache.
#define IN_PLACE_COUNT (512 * CKERNELS_PRODUCT_CHUNK)

/// A right factor [inner, columns], as `pack` leaves it or as it lies in memory.
typedef struct RightFactor {
  const float *elements;
  int64_t inner, columns;
  /// Elements from one row to the next; 0 for a packed factor.
  int64_t stride;
} RightFactor;

/// Where the sums over a chunk of the inner dimension go.
typedef struct Target {
  float *elements;
  int64_t stride, columns;
  /// Whether they are added to what is there.
  int adds;
  /// Added to each row afterwards; null for none.
  const float *bias;
} Target;

INLINE float *scratch(void) {
  int64_t block = BLOCK_COLUMNS * CKERNELS_PRODUCT_CHUNK;
  return product_scratch((SLIVERS_TOGETHER * SLIVER_COUNT + block) * sizeof(float));
}

INLINE int64_t chunk_count(int64_t start, int64_t inner) {
  int64_t left = inner - start;
  return left < CKERNELS_PRODUCT_CHUNK ? left : CKERNELS_PRODUCT_CHUNK;
}

/// The epilogue of the columns from `column` on.
INLINE CKernels_Epilogue epilogue_from(const CKernels_Epilogue *epilogue, int64_t column) {
  CKernels_Epilogue part = epilogue ? *epilogue : (CKernels_Epilogue){0};
  if (part.bias) part.bias += column;
  if (part.activated) part.activated += column;
  if (part.added) part.added += column;
  return part;
}

/// Finishes rows of a product that are complete, their bias added; the first one is `row` of the epilogue's.
INLINE void finish_rows(
    const CKernels_Epilogue *epilogue, Target values, int64_t row, int64_t rows) {
  if (!epilogue || (!epilogue->activated && !epilogue->added)) return;
  for (int64_t r = 0; r < rows; r++)
    finish_sums(
        epilogue, values.elements + r * values.stride, (row + r) * values.stride, values.columns);
}

/// Packs n <= 16 columns of a transposed factor, which lie in memory as rows of `inner` elements;
/// `packed` rows are `width` apart.
INLINE void pack_transposed(
    const float *source, int64_t stride, int64_t inner, int64_t n, float *packed, int64_t width) {
  for (int64_t k = 0; k < inner; k += LANE_COUNT) {
    int64_t count = inner - k < LANE_COUNT ? inner - k : LANE_COUNT;
    Lanes lanes[16];
    if (n == LANE_COUNT && count == LANE_COUNT) {
      UNROLLED for (int i = 0; i < 16; i++) lanes[i] = lanes_load(source + i * stride + k);
      transpose(lanes);
      UNROLLED for (int i = 0; i < 16; i++) lanes_store(packed + (k + i) * width, lanes[i]);
    } else {
      for (int i = 0; i < 16; i++)
        lanes[i] = i < n ? lanes_read(source + i * stride + k, count) : (Lanes){0};
      transpose(lanes);
      for (int i = 0; i < count; i++) lanes_store(packed + (k + i) * width, lanes[i]);
    }
  }
}

/// Whether the tiles read a right factor where it lies: packing pays where it has to be transposed, and
/// where its rows spread over much of the second-level cache.
INLINE int stays_in_place(CKernels_Factor b, int64_t inner) {
  return !b.transposed && inner * b.stride <= IN_PLACE_COUNT;
}

/// Whether slivers of the left factor are copied before the tiles read them. Rows that all start in the
/// same set of the first-level cache drive each other out of it; so do columns whose elements lie a
/// multiple of 512 bytes apart, for which a copy pays only where it is read often.
INLINE int copies_left(CKernels_Factor a, int64_t columns) {
  if (!a.transposed) return a.stride % 1024 == 0;
  return columns > 256 && a.stride >= 512 && a.stride % 128 == 0;
}

/// Copies rows of the left factor, which are then CKERNELS_PRODUCT_CHUNK apart.
INLINE void copy_rows(
    const float *source, int64_t stride, int64_t rows, int64_t inner, float *copies) {
  for (int64_t r = 0; r < rows; r++)
    memcpy(
        copies + r * CKERNELS_PRODUCT_CHUNK, source + r * stride, (size_t)inner * sizeof(float));
}

/// Where a pointer comes from is hidden from the compiler, which would otherwise keep, or compute each time,
/// the addresses of all rows.
#define HIDE(pointer) __asm__("" : "+r"(pointer))
/// The compiler may not load what comes later before: it would run out of registers.
#define KEEP_ORDER __asm__ volatile("" ::: "memory")

#if defined(__x86_64__)
#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define LEVEL(name) name##_v4
#define TILE_ROWS 14
#define TILE_LANES 2
#include "float32_product_few.h"
#include "float32_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define LEVEL(name) name##_v3
#define TILE_ROWS 6
#define TILE_LANES 1
#include "float32_product_few.h"
#include "float32_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES
#pragma clang attribute pop
#endif

// Elsewhere. On x86-64 without fused multiply-adds they are computed by the C library: slow, and the
// same bits.
#define LEVEL(name) name##_plain
#define TILE_ROWS 6
#define TILE_LANES 1
#include "float32_product_few.h"
#include "float32_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES

int float32_versions(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("x86-64-v4") ? 3 : __builtin_cpu_supports("x86-64-v3") ? 2 : 1;
#else
  return 1;
#endif
}

/// Calls the given version of a function of float32_product_level.h.
#if defined(__x86_64__)
#define CALL(version, function, ...)                                                              \
  do {                                                                                            \
    if ((version) >= 3)                                                                           \
      function##_v4(__VA_ARGS__);                                                                 \
    else if ((version) == 2)                                                                      \
      function##_v3(__VA_ARGS__);                                                                 \
    else                                                                                          \
      function##_plain(__VA_ARGS__);                                                              \
  } while (0)
#else
#define CALL(version, function, ...) function##_plain(__VA_ARGS__)
#endif

void float32_multiply(int version, CKernels_Factor b, const Product *p) {
  CALL(
      version, multiply, p->a, b, p->c, p->stride, p->rows, p->columns, p->inner, p->adds,
      p->epilogue);
}

int64_t float32_packed_count(int64_t inner, int64_t columns) {
  return inner * ((columns + 2 * LANE_COUNT - 1) / (2 * LANE_COUNT) * (2 * LANE_COUNT));
}

void float32_pack(int version, CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  CALL(version, pack, b, inner, columns, packed);
}

void float32_multiply_packed(int version, PackedFactor packed, const Product *p) {
  RightFactor b = {packed.elements, packed.inner, packed.columns, 0};
  Target target = {p->c, p->stride, p->columns, p->adds, NULL};
  CALL(version, multiply_packed, p->a, b, target, p->rows, p->inner, p->epilogue);
}
