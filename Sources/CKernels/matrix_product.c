#include <pthread.h>
#include <stdlib.h>

#include "CKernels.h"
#include "lanes.h"

#define UNROLLED _Pragma("clang loop unroll(full)")

/// Columns of a packed block of the right factor: with CKERNELS_PRODUCT_CHUNK rows it takes 768 KiB, which
/// the second-level caches of servers hold.
#define BLOCK_COLUMNS 768
/// Products of so few rows have kernels of their own, and blocks whose sums stay in the first-level cache.
#define FEW_ROWS 4
#define FEW_COLUMNS 3072
/// Steps along the inner dimension for which a tile asks ahead: factors that are read where they lie
/// come from far away, in strides that the processor does not foresee.
#define PREFETCHED_STEPS 32
/// Columns of a transposed left factor that are copied lie so far apart: not less than the highest tile.
#define SLIVER_STEP LANE_COUNT
#define SLIVER_COUNT (SLIVER_STEP * CKERNELS_PRODUCT_CHUNK)
/// Elements of a chunk of an untransposed right factor, from its first row to its last, up to which the
/// tiles read it where it lies: half of the second-level cache.
#define IN_PLACE_COUNT (512 * CKERNELS_PRODUCT_CHUNK)

// Each thread's memory for packing, kept from its first product to its end.
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local float *thread_scratch;

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free); }

static float *scratch(void) {
  if (thread_scratch) return thread_scratch;
  size_t bytes = (SLIVER_COUNT + BLOCK_COLUMNS * CKERNELS_PRODUCT_CHUNK) * sizeof(float);
  void *memory = NULL;
  if (posix_memalign(&memory, 4096, bytes) != 0) abort();
  pthread_once(&scratch_once, make_scratch_key);
  pthread_setspecific(scratch_key, memory);
  return thread_scratch = memory;
}

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

INLINE int64_t chunk_count(int64_t start, int64_t inner) {
  int64_t left = inner - start;
  return left < CKERNELS_PRODUCT_CHUNK ? left : CKERNELS_PRODUCT_CHUNK;
}

/// The epilogue of the columns from `column` on.
INLINE CKernels_Epilogue epilogue_from(const CKernels_Epilogue *epilogue, int64_t column) {
  CKernels_Epilogue part = epilogue ? *epilogue : (CKernels_Epilogue){0};
  if (part.bias) part.bias += column;
  if (part.activated) part.activated += column;
  return part;
}

/// Activates rows of a product that are complete; the first one is `row` of the epilogue's.
static void activate_rows(
    const CKernels_Epilogue *epilogue, Target values, int64_t row, int64_t rows) {
  for (int64_t r = 0; r < rows; r++)
    CKernels_activationForward(
        epilogue->activation, epilogue->slope, values.elements + r * values.stride,
        epilogue->activated + (row + r) * values.stride, values.columns);
}

#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/// Transposes sixteen times sixteen elements, one step for each doubling of what lies together.
INLINE void transpose(Lanes lanes[16]) {
  Lanes t[16];
  UNROLLED for (int i = 0; i < 16; i += 2) {
    t[i] = SHUFFLE(lanes[i], lanes[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    t[i + 1] =
        SHUFFLE(lanes[i], lanes[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  Lanes u[16];
  UNROLLED for (int i = 0; i < 16; i += 4) {
    UNROLLED for (int j = 0; j < 2; j++) {
      u[i + 2 * j] = SHUFFLE(
          t[i + j], t[i + j + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      u[i + 2 * j + 1] = SHUFFLE(
          t[i + j], t[i + j + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  }
  // u[4 b + q] now holds, in its quarter p, column 4 p + q of rows 4 b ..< 4 b + 4.
  UNROLLED for (int q = 0; q < 4; q++) {
    Lanes even[2], odd[2];
    UNROLLED for (int half = 0; half < 2; half++) {
      Lanes a = u[8 * half + q], b = u[8 * half + 4 + q];
      even[half] = SHUFFLE(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
      odd[half] = SHUFFLE(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
#define LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
    lanes[q] = SHUFFLE(even[0], even[1], LOW);
    lanes[4 + q] = SHUFFLE(odd[0], odd[1], LOW);
    lanes[8 + q] = SHUFFLE(even[0], even[1], HIGH);
    lanes[12 + q] = SHUFFLE(odd[0], odd[1], HIGH);
  }
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
/// same set of the first-level cache drive each other out of it; so do columns, for which a copy pays
/// only where it is read often.
INLINE int copies_left(CKernels_Factor a, int64_t columns) {
  if (!a.transposed) return a.stride % 1024 == 0;
  return columns > 256 && a.stride >= 512 && (a.stride & (a.stride - 1)) == 0;
}

/// Copies `height` rows of the left factor: rows CKERNELS_PRODUCT_CHUNK apart, or columns SLIVER_STEP.
INLINE void copy_sliver(
    const float *source, CKernels_Factor a, int64_t height, int64_t inner, float *sliver) {
  if (a.transposed) {
    for (int64_t k = 0; k < inner; k++)
      for (int64_t i = 0; i < height; i++)
        sliver[k * SLIVER_STEP + i] = source[k * a.stride + i];
  } else {
    for (int64_t r = 0; r < height; r++)
      memcpy(
          sliver + r * CKERNELS_PRODUCT_CHUNK, source + r * a.stride,
          (size_t)inner * sizeof(float));
  }
}

#if defined(__x86_64__)
#pragma clang attribute push(                                                                     \
    __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define LEVEL(name) name##_v4
#define TILE_ROWS 14
#define TILE_LANES 2
#include "matrix_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define LEVEL(name) name##_v3
#define TILE_ROWS 6
#define TILE_LANES 1
#include "matrix_product_level.h"
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
#include "matrix_product_level.h"
#undef LEVEL
#undef TILE_ROWS
#undef TILE_LANES

int CKernels_matrixProductVersions(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("x86-64-v4") ? 3 : __builtin_cpu_supports("x86-64-v3") ? 2 : 1;
#else
  return 1;
#endif
}

/// Calls the given version of a function of matrix_product_level.h.
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

void CKernels_matrixProductByVersion(
    int version, CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows,
    int64_t columns, int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  CALL(version, multiply, a, b, c, stride, rows, columns, inner, adds, epilogue);
}

void CKernels_matrixProduct(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  int version = CKernels_matrixProductVersions();
  CALL(version, multiply, a, b, c, stride, rows, columns, inner, adds, epilogue);
}

int64_t CKernels_packedCount(CKernels_Format format, int64_t inner, int64_t columns) {
  (void)format;
  return inner * ((columns + 2 * LANE_COUNT - 1) / (2 * LANE_COUNT) * (2 * LANE_COUNT));
}

void CKernels_packFactor(CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  int version = CKernels_matrixProductVersions();
  CALL(version, pack, b, inner, columns, packed);
}

void CKernels_matrixProductPacked(
    CKernels_Factor a, const float *packed, int64_t packedInner, int64_t packedColumns, float *c,
    int64_t stride, int64_t rows, int64_t columns, int64_t inner, int adds) {
  int version = CKernels_matrixProductVersions();
  RightFactor b = {packed, packedInner, packedColumns, 0};
  Target target = {c, stride, columns, adds, NULL};
  CALL(version, multiply_packed, a, b, target, rows, inner);
}
