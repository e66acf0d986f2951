// The one vector type of all kernels, and how a kernel is compiled.
//
// Sixteen lanes, whatever the processor: the compiler splits them into one AVX-512 register, two
// AVX2 registers or four SSE registers. The order of every sum is therefore fixed by the source,
// not by the machine. Products and sums are never contracted into fused multiply-adds, which the
// oldest level does not have: a mixed cluster gets equal bits.
//
// Clang refuses to pass 64-byte vectors by value between functions of different processor levels,
// even where everything is inlined. The functions here therefore take pointers, and macros of the
// same name give them the look of functions on values.
#ifndef CKERNELS_LANES_H
#define CKERNELS_LANES_H

#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define LANE_COUNT 16

typedef float Lanes __attribute__((vector_size(64), aligned(64)));
typedef int32_t IntLanes __attribute__((vector_size(64), aligned(64)));
typedef uint32_t UIntLanes __attribute__((vector_size(64), aligned(64)));
/// Eight doubles: half of a Lanes, widened.
typedef double DoubleLanes __attribute__((vector_size(64), aligned(64)));

/// Four Lanes, for long chains of operations on elements that have nothing to do with each other. Each
/// operation of a chain waits for the one before; a processor is busy only with several chains, and those of
/// a single Lanes after the other are too far apart for what it looks ahead.
#define WIDE_COUNT 64
typedef float WideLanes __attribute__((vector_size(256), aligned(64)));
typedef int32_t WideIntLanes __attribute__((vector_size(256), aligned(64)));

/// Compiled once per processor level; the loader picks the widest that the processor has. Not under
/// the thread sanitizer, whose instrumentation of the choice runs before its own start.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SINGLE_VERSION
#endif
#endif
#if defined(__x86_64__) && !defined(SINGLE_VERSION)
#define MULTIVERSIONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MULTIVERSIONED
#endif

#define INLINE static inline __attribute__((always_inline))

/// Before a loop of a constant number of rounds, whose variables shall be registers.
#define UNROLLED _Pragma("clang loop unroll(full)")

/// The value that `function` leaves in a variable of this type.
#define LANES_RESULT(type, function, ...)                                                         \
  ({                                                                                              \
    type result_;                                                                                 \
    function(&result_, __VA_ARGS__);                                                              \
    result_;                                                                                      \
  })

/// Sixteen times the same value.
#define lanes_fill(value)                                                                         \
  ({                                                                                              \
    float f_ = (value);                                                                           \
    (Lanes){f_, f_, f_, f_, f_, f_, f_, f_, f_, f_, f_, f_, f_, f_, f_, f_};                      \
  })

/// Walks over a span sixteen elements at a time: `i` is the place, `n` how many of the sixteen
/// there are.
#define FOR_LANES(count)                                                                          \
  for (int64_t i = 0, n = (count) < LANE_COUNT ? (count) : LANE_COUNT; i < (count);               \
       i += LANE_COUNT, n = (count) - i < LANE_COUNT ? (count) - i : LANE_COUNT)

/// Copies n < 16 elements, without the call that a memcpy of variable length would be.
INLINE void copy_few(float *destination, const float *source, int64_t n) {
  int64_t i = 0;
  if (n & 8) memcpy(destination, source, 8 * sizeof(float)), i = 8;
  if (n & 4) memcpy(destination + i, source + i, 4 * sizeof(float)), i += 4;
  if (n & 2) memcpy(destination + i, source + i, 2 * sizeof(float)), i += 2;
  if (n & 1) destination[i] = source[i];
}

/// Sixteen elements of memory.
#define lanes_load(source) LANES_RESULT(Lanes, lanes_load_into, source)
INLINE void lanes_load_into(Lanes *result, const float *source) {
  memcpy(result, source, sizeof *result);
}

/// The first n <= 16 elements of memory; the other lanes are zero.
#define lanes_read(source, n) LANES_RESULT(Lanes, lanes_read_into, source, n)
INLINE void lanes_read_into(Lanes *result, const float *source, int64_t n) {
  if (n == LANE_COUNT) {
    memcpy(result, source, sizeof *result);
  } else {
    // By way of a variable of its own: whole ones then stay in registers.
    Lanes few = {0};
    copy_few((float *)&few, source, n);
    *result = few;
  }
}

/// Asks for what a pass over much memory reads later, into the second-level cache: the processor looks ahead
/// by itself, but no further than to the end of a page.
INLINE void ask_ahead(const float *source) { __builtin_prefetch(source + 4096, 0, 2); }

/// Stores sixteen elements.
#define lanes_store(destination, lanes) lanes_write(destination, lanes, LANE_COUNT)

/// Stores the first n <= 16 lanes.
#define lanes_write(destination, lanes, n)                                                        \
  do {                                                                                            \
    Lanes written_ = (lanes);                                                                     \
    lanes_write_from(&written_, destination, n);                                                  \
  } while (0)
INLINE void lanes_write_from(const Lanes *lanes, float *destination, int64_t n) {
  if (n == LANE_COUNT) {
    memcpy(destination, lanes, sizeof *lanes);
  } else {
    Lanes few = *lanes;
    copy_few(destination, (const float *)&few, n);
  }
}

/// The first n lanes, the others zero.
#define lanes_keep(lanes, n) LANES_RESULT(Lanes, lanes_keep_into, &(lanes), n)
INLINE void lanes_keep_into(Lanes *result, const Lanes *lanes, int64_t n) {
  const IntLanes places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  *result = (Lanes)((IntLanes)*lanes & (places < (int32_t)n));
}

/// `yes` in the lanes where the condition holds, `no` elsewhere; of Lanes or WideLanes.
#define lanes_choose(condition, yes, no)                                                          \
  ({                                                                                              \
    typedef __typeof__(condition) Condition_;                                                     \
    Condition_ condition_ = (condition);                                                          \
    (__typeof__(-(yes)))(((Condition_)(yes) & condition_) | ((Condition_)(no) & ~condition_));    \
  })

INLINE void wide_read_into(WideLanes *result, const float *source, int64_t n) {
  (void)n;
  memcpy(result, source, sizeof *result);
}

INLINE void wide_write_from(const WideLanes *lanes, float *destination, int64_t n) {
  (void)n;
  memcpy(destination, lanes, sizeof *lanes);
}

/// Walks over a span, as far as it goes by WideLanes, then by Lanes: in the statements, which come
/// twice, either is `Vector`; `i` is the place, `n` how many elements there are.
#define FOR_VECTORS(count, ...)                                                                   \
  do {                                                                                            \
    int64_t i = 0;                                                                                \
    for (; i + WIDE_COUNT <= (count); i += WIDE_COUNT) {                                          \
      typedef WideLanes Vector;                                                                   \
      const int64_t n = WIDE_COUNT;                                                               \
      __VA_ARGS__                                                                                 \
    }                                                                                             \
    for (; i < (count); i += LANE_COUNT) {                                                        \
      typedef Lanes Vector;                                                                       \
      const int64_t n = (count) - i < LANE_COUNT ? (count) - i : LANE_COUNT;                      \
      __VA_ARGS__                                                                                 \
    }                                                                                             \
  } while (0)

/// The first n elements of memory as a `Vector`.
#define vector_read(source, n)                                                                    \
  ({                                                                                              \
    Vector read_;                                                                                 \
    _Generic(read_, Lanes: lanes_read_into, WideLanes: wide_read_into)(&read_, source, n);        \
    read_;                                                                                        \
  })

/// Stores the first n elements of a `Vector`.
#define vector_write(destination, vector, n)                                                      \
  do {                                                                                            \
    Vector written_ = (vector);                                                                   \
    _Generic(written_, Lanes: lanes_write_from, WideLanes: wide_write_from)(                      \
        &written_, destination, n);                                                               \
  } while (0)

/// The Lanes of a WideLanes, `part` being 0 to 3.
#define wide_part(wide, part) LANES_RESULT(Lanes, wide_part_into, &(wide), part)
INLINE void wide_part_into(Lanes *result, const WideLanes *wide, int part) {
  memcpy(result, (const float *)wide + part * LANE_COUNT, sizeof *result);
}

/// The sum of the lanes: halves, then quarters, then eighths, then the last two.
#define lanes_sum(lanes)                                                                          \
  ({                                                                                              \
    Lanes summed_ = (lanes);                                                                      \
    lanes_sum_of(&summed_);                                                                       \
  })
INLINE float lanes_sum_of(const Lanes *lanes) {
  const Lanes v = *lanes;
  float a[8], b[4];
  for (int i = 0; i < 8; i++) a[i] = v[i] + v[i + 8];
  for (int i = 0; i < 4; i++) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/// The largest lane; any of them if one is not a number.
INLINE float lanes_maximum_of(const Lanes *lanes) {
  float a[LANE_COUNT];
  memcpy(a, lanes, sizeof a);
  for (int half = LANE_COUNT / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) a[i] = a[i] > a[i + half] ? a[i] : a[i + half];
  return a[0];
}

#endif
