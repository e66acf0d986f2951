#include "CKernels.h"
#include "bfloat16.h"
#include "matrix_product.h"
#include "transpose.h"

#define BLOCK CKERNELS_BFLOAT16_BLOCK
/// Rows of A, and columns of B, that are packed and multiplied together.
#define PANEL 32
/// Rows of A that are packed together.
#define MOST_ROWS 2048
/// Products of so few rows read B where it lies: packing it would be most of the work.
#define FEW_ROWS 4

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t rounded_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// The size of equal parts of a total, multiples of `unit`, none larger than `limit`.
INLINE int64_t part_of(int64_t total, int64_t limit, int64_t unit) {
  int64_t parts = (total + limit - 1) / limit;
  return rounded_up((total + parts - 1) / parts, unit);
}

/// A factor as both sides of a product see it: element (i, k) lies at i * across + k * along, where i is a
/// row of A or a column of B; one of the two steps is 1.
typedef struct Operand {
  const char *elements;
  /// Bytes of an element: 4, or 2 where it is rounded already.
  int64_t size;
  int64_t across, along, count, inner;
} Operand;

INLINE Operand operand_of(CKernels_Factor f, int isLeft, int64_t count, int64_t inner) {
  int crosswise = isLeft ? f.transposed : !f.transposed;
  int64_t across = crosswise ? 1 : f.stride, along = crosswise ? f.stride : 1;
  if (f.rounded) return (Operand){(const char *)f.rounded, 2, across, along, count, inner};
  return (Operand){(const char *)f.elements, 4, across, along, count, inner};
}

INLINE const char *element_of(const Operand *f, int64_t i, int64_t k) {
  return f->elements + (i * f->across + k * f->along) * f->size;
}

/// The first n <= 16 of elements that lie together, rounded; the other lanes are zero.
INLINE void read_rounded(Lanes *lanes, const char *source, int64_t size, int64_t n) {
  if (size == 2) {
    lanes_widen_into(lanes, (const uint16_t *)source, n);
  } else {
    lanes_read_into(lanes, (const float *)source, n);
    lanes_round_to_bfloat16(lanes);
  }
}

/// What is done to finished rows, of columns from `column` on. In the usual state of the processor.
static void finish_rows(
    const CKernels_Epilogue *epilogue, const Product *p, int64_t row, int64_t rows, int64_t column,
    int64_t columns) {
  for (int64_t r = row; r < row + rows; r++) {
    float *sums = p->c + r * p->stride + column;
    if (epilogue->bias) CKernels_accumulate(epilogue->bias + column, sums, columns);
    finish_sums(epilogue, sums, r * p->stride + column, columns);
  }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

/// The tile instruction takes denormal numbers as zeros whatever the control register says; others have to
/// be told. Around calls that are not inlined: the compiler moves arithmetic across it.
INLINE unsigned begin_flushing(void) {
  unsigned before = _mm_getcsr();
  _mm_setcsr(0x1f80 | 0x8040);
  return before;
}
INLINE void end_flushing(unsigned before) { _mm_setcsr(before); }

#define MULTIPLIES_FEW_ROWS

#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define LEVEL(name) name##_v4
#define TILE_ROWS 7
#define TILE_LANES 2
#include "bfloat16_product_lanes.h"
#include "bfloat16_product_few.h"
#include "bfloat16_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((                                                                               \
        target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16"), min_vector_width(512))),           \
    apply_to = function)
#define LEVEL(name) name##_amx
#include "bfloat16_product_tiles.h"
#define multiply_few_rows_amx multiply_few_rows_v4
#include "bfloat16_product_level.h"
#undef LEVEL
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define LEVEL(name) name##_v3
#define TILE_ROWS 3
#define TILE_LANES 1
#include "bfloat16_product_lanes.h"
#include "bfloat16_product_few.h"
#include "bfloat16_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES
#pragma clang attribute pop

#undef MULTIPLIES_FEW_ROWS
#endif

#define LEVEL(name) name##_plain
#define WITHOUT_FUSED
#include "bfloat16_product_lanes.h"
#include "bfloat16_product_level.h"
#undef LEVEL

#if defined(__x86_64__)
/// Whether the processor has the tile instructions, and the system lets this process use their registers:
/// it is asked once, for threads made before and after.
static int has_tiles(void) {
  unsigned a, b, c, d, conversions = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  int tiles = d >> 24 & 1, products = d >> 22 & 1;
  __get_cpuid_count(7, 1, &conversions, &b, &c, &d);
  if (!tiles || !products || !(conversions >> 5 & 1)) return 0;
  // ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA, in the words of linux/arch/x86/include/uapi/asm/prctl.h.
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#endif

int bfloat16_versions(void) {
#if defined(__x86_64__)
  // Threads that race here find the same.
  static int found;
  int versions = __atomic_load_n(&found, __ATOMIC_RELAXED);
  if (versions) return versions;
  versions = float32_versions();
  if (versions == 3 && has_tiles()) versions = 4;
  __atomic_store_n(&found, versions, __ATOMIC_RELAXED);
  return versions;
#else
  return 1;
#endif
}

#if defined(__x86_64__)
#define CALL(version, function, ...)                                                              \
  switch (version) {                                                                              \
  case 4: return function##_amx(__VA_ARGS__);                                                     \
  case 3: return function##_v4(__VA_ARGS__);                                                      \
  case 2: return function##_v3(__VA_ARGS__);                                                      \
  default: return function##_plain(__VA_ARGS__);                                                  \
  }
#else
#define CALL(version, function, ...) return function##_plain(__VA_ARGS__)
#endif

void bfloat16_multiply(int version, CKernels_Factor b, const Product *p) {
  CALL(version, multiply, b, p)
}

int64_t bfloat16_packed_count(int version, int64_t inner, int64_t columns) {
  int64_t elements = rounded_up(inner, BLOCK) * rounded_up(columns, PANEL);
  // With tiles as bfloat16, else widened again.
  return version == 4 ? elements / 2 : elements;
}

void bfloat16_pack(int version, CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  CALL(version, pack, b, inner, columns, packed)
}

void bfloat16_multiply_packed(int version, PackedFactor b, const Product *p) {
  CALL(version, multiply_packed, b, p)
}
