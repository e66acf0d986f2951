#include "TilesInSoftware.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

// MARK: - The tile instructions

/// TMM0 to TMM7: sixteen rows of 64 bytes.
typedef union TileRegister {
  char bytes[16][64];
  uint16_t halves[16][32];
  float floats[16][16];
} TileRegister;

static _Thread_local TileRegister registers[8];
static _Thread_local int is_configured;

/// A register; the processor, too, ends a program that uses one before LDTILECFG.
static TileRegister *tile_register(int number) {
  if (!is_configured) abort();
  return &registers[number];
}

/// LDTILECFG: all eight registers have their full size, or there is none.
static void load_configuration(const void *configuration) {
  const uint8_t *fields = configuration;
  if (fields[0] != 1 || fields[1] != 0) abort();
  for (int t = 0; t < 8; t++)
    if (fields[16 + 2 * t] != 64 || fields[17 + 2 * t] != 0 || fields[48 + t] != 16) abort();
  memset(registers, 0, sizeof registers);
  is_configured = 1;
}

static void release(void) { is_configured = 0; }

static void zero_tile(int number) { memset(tile_register(number), 0, sizeof(TileRegister)); }

static void load_tile(int number, const void *base, int64_t stride) {
  TileRegister *tile = tile_register(number);
  for (int r = 0; r < 16; r++) memcpy(tile->bytes[r], (const char *)base + r * stride, 64);
}

static void store_tile(int number, void *base, int64_t stride) {
  const TileRegister *tile = tile_register(number);
  for (int r = 0; r < 16; r++) memcpy((char *)base + r * stride, tile->bytes[r], 64);
}

static float widened(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/// In the state that flushes denormal numbers.
static __attribute__((noinline, target("fma"))) void add_products(
    TileRegister *c, const TileRegister *a, const TileRegister *b) {
  for (int m = 0; m < 16; m++)
    for (int n = 0; n < 16; n++) {
      float even = 0, odd = 0;
      for (int k = 0; k < 16; k++) {
        even = __builtin_fmaf(
            widened(a->halves[m][2 * k]), widened(b->halves[k][2 * n]), even);
        odd = __builtin_fmaf(
            widened(a->halves[m][2 * k + 1]), widened(b->halves[k][2 * n + 1]), odd);
      }
      c->floats[m][n] += even + odd;
    }
}

/// TDPBF16PS, as CKernels_matrixProduct.h describes it.
static void multiply_tiles_in_software(int c, int a, int b) {
  unsigned before = _mm_getcsr();
  _mm_setcsr(0x1f80 | 0x8040);
  add_products(tile_register(c), tile_register(a), tile_register(b));
  _mm_setcsr(before);
}

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _tile_loadconfig load_configuration
#define _tile_release release
#define _tile_zero zero_tile
#define _tile_loadd load_tile
#define _tile_stored store_tile
#define _tile_dpbf16ps multiply_tiles_in_software

// MARK: - What is written with them

#define bfloat16_versions versions_in_software
#define bfloat16_multiply multiply_in_software
#define bfloat16_packed_count packed_count_in_software
#define bfloat16_pack pack_in_software
#define bfloat16_multiply_packed multiply_packed_in_software
#include "../../Sources/CKernels/bfloat16_product.c"

/// The version for AMX.
#define VERSION 4

int TilesInSoftware_canRun(void) {
  return __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512bf16");
}

void TilesInSoftware_product(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue) {
  Product p = {a, c, stride, rows, columns, inner, adds, epilogue};
  bfloat16_multiply(VERSION, b, &p);
}

int64_t TilesInSoftware_packedCount(int64_t inner, int64_t columns) {
  return bfloat16_packed_count(VERSION, inner, columns);
}

void TilesInSoftware_packFactor(
    CKernels_Factor b, int64_t inner, int64_t columns, float *packed) {
  bfloat16_pack(VERSION, b, inner, columns, packed);
}

void TilesInSoftware_packedProduct(
    CKernels_Factor a, const float *packed, int64_t packedInner, int64_t packedColumns, float *c,
    int64_t stride, int64_t rows, int64_t columns, int64_t inner, int adds,
    const CKernels_Epilogue *epilogue) {
  PackedFactor b = {packed, packedInner, packedColumns};
  Product p = {a, c, stride, rows, columns, inner, adds, epilogue};
  bfloat16_multiply_packed(VERSION, b, &p);
}
#endif
