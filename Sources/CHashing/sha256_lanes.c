#include "CHashing.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <string.h>

// FIPS 180-4, "Secure Hash Standard", section 6.2, sixteen times side by side: lane i of every vector
// belongs to piece i. The compiler splits the vectors into one AVX-512 register or two of AVX2.

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")
#define BLOCK_BYTES 64

typedef uint32_t Words __attribute__((vector_size(64), aligned(64)));
typedef uint8_t Bytes __attribute__((vector_size(64), aligned(64)));

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

#define ROTATED(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

/// Sixteen big-endian words of one piece.
INLINE void load(Words *words, const uint8_t *bytes) {
  Bytes b;
  memcpy(&b, bytes, sizeof b);
  b = __builtin_shufflevector(
      b, b, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20, 27,
      26, 25, 24, 31, 30, 29, 28, 35, 34, 33, 32, 39, 38, 37, 36, 43, 42, 41, 40, 47, 46, 45, 44, 51,
      50, 49, 48, 55, 54, 53, 52, 59, 58, 57, 56, 63, 62, 61, 60);
  *words = (Words)b;
}

/// Turns word j of piece i, in r[i][j], into r[j][i]. First inside quarters of the vectors, of four words
/// each, then between them.
INLINE void transpose(Words *r) {
  Words t[16];
  UNROLLED for (int i = 0; i < 16; i += 2) {
    t[i] = __builtin_shufflevector(
        r[i], r[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    t[i + 1] = __builtin_shufflevector(
        r[i], r[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  UNROLLED for (int i = 0; i < 16; i += 4) {
    UNROLLED for (int j = 0; j < 2; j++) {
      r[i + 2 * j] = __builtin_shufflevector(
          t[i + j], t[i + 2 + j], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      r[i + 2 * j + 1] = __builtin_shufflevector(
          t[i + j], t[i + 2 + j], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  }
  UNROLLED for (int j = 0; j < 4; j++) {
    UNROLLED for (int half = 0; half < 2; half++) {
      Words low, high;
      if (half == 0) {
        low = __builtin_shufflevector(
            r[j], r[4 + j], 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
        high = __builtin_shufflevector(
            r[8 + j], r[12 + j], 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
      } else {
        low = __builtin_shufflevector(
            r[j], r[4 + j], 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
        high = __builtin_shufflevector(
            r[8 + j], r[12 + j], 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
      }
      t[8 * half + j] = __builtin_shufflevector(
          low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      t[8 * half + 4 + j] = __builtin_shufflevector(
          low, high, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
  }
  UNROLLED for (int i = 0; i < 16; i++) r[i] = t[i];
}

/// Takes a block of each piece into its state. The schedule's words replace those of the block.
INLINE void compress(Words *state, Words *w) {
  Words a = state[0], b = state[1], c = state[2], d = state[3];
  Words e = state[4], f = state[5], g = state[6], h = state[7];
  UNROLLED for (int i = 0; i < 64; i++) {
    if (i >= 16) {
      Words x = w[(i + 1) & 15], y = w[(i + 14) & 15];
      w[i & 15] += (ROTATED(x, 7) ^ ROTATED(x, 18) ^ (x >> 3)) + w[(i + 9) & 15] +
                   (ROTATED(y, 17) ^ ROTATED(y, 19) ^ (y >> 10));
    }
    Words first = h + (ROTATED(e, 6) ^ ROTATED(e, 11) ^ ROTATED(e, 25)) + ((e & f) ^ (~e & g)) +
                  (w[i & 15] + round_constants[i]);
    Words second = (ROTATED(a, 2) ^ ROTATED(a, 13) ^ ROTATED(a, 22)) + ((a & b) | (c & (a | b)));
    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

INLINE void hash_lanes(const uint8_t *bytes, int64_t piece_bytes, uint8_t *digests) {
  Words state[8], w[16];
  UNROLLED for (int i = 0; i < 8; i++) state[i] = (Words){0} + initial_state[i];
  for (int64_t start = 0; start < piece_bytes; start += BLOCK_BYTES) {
    UNROLLED for (int i = 0; i < CHASHING_LANES; i++) load(&w[i], bytes + i * piece_bytes + start);
    transpose(w);
    compress(state, w);
  }
  // The padding is a block of its own, since pieces end with a block: a bit, and the length in bits.
  uint64_t bits = (uint64_t)piece_bytes * 8;
  UNROLLED for (int i = 0; i < 16; i++) w[i] = (Words){0};
  w[0] += 0x80000000u;
  w[14] += (uint32_t)(bits >> 32);
  w[15] += (uint32_t)bits;
  compress(state, w);
  for (int lane = 0; lane < CHASHING_LANES; lane++) {
    for (int i = 0; i < 8; i++) {
      uint32_t word = __builtin_bswap32(state[i][lane]);
      memcpy(digests + lane * CHASHING_DIGEST_BYTES + 4 * i, &word, sizeof word);
    }
  }
}

__attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static void hash_lanes_v4(
    const uint8_t *bytes, int64_t piece_bytes, uint8_t *digests) {
  hash_lanes(bytes, piece_bytes, digests);
}

__attribute__((target("arch=x86-64-v3"))) static void hash_lanes_v3(
    const uint8_t *bytes, int64_t piece_bytes, uint8_t *digests) {
  hash_lanes(bytes, piece_bytes, digests);
}

int CHashing_versions(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v4") ? 2 : __builtin_cpu_supports("x86-64-v3") ? 1 : 0;
}

int CHashing_prefersOneAfterAnother(void) {
  // Leaf 7, EBX, bit 29: the SHA extensions. Measured: twice as fast as AVX2, half as fast as AVX-512.
  unsigned eax, ebx = 0, ecx, edx;
  int has_instructions = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx >> 29 & 1);
  return CHashing_versions() < 2 && has_instructions;
}

void CHashing_sha256Lanes(
    const uint8_t *bytes, int64_t pieceBytes, uint8_t *digests, int version) {
  if (version == 2) {
    hash_lanes_v4(bytes, pieceBytes, digests);
  } else {
    hash_lanes_v3(bytes, pieceBytes, digests);
  }
}

#else

int CHashing_versions(void) { return 0; }
int CHashing_prefersOneAfterAnother(void) { return 1; }
void CHashing_sha256Lanes(
    const uint8_t *bytes, int64_t pieceBytes, uint8_t *digests, int version) {
  (void)bytes, (void)pieceBytes, (void)digests, (void)version;
}

#endif
