// SHA-256 of sixteen pieces of memory at once. One hash is a chain, in which each instruction waits for
// the one before it: hashes of several pieces side by side use what a processor can do. The libraries that
// Lockstep depends on hash one after another; this can go when one of them does better.
#ifndef CHASHING_H
#define CHASHING_H

#include <stdint.h>

#define CHASHING_LANES 16
#define CHASHING_DIGEST_BYTES 32

/// How many versions of `CHashing_sha256Lanes` this processor has, from the slowest: 0 where the
/// compiler's vectors would be no gain, 1 with AVX2, 2 with AVX-512.
int CHashing_versions(void);

/// Whether hashing one piece after another, with the processor's own instructions for SHA-256, is faster
/// than the best version here.
int CHashing_prefersOneAfterAnother(void);

/// SHA-256 of pieces that lie one after the other.
///
/// bytes: CHASHING_LANES pieces.
/// pieceBytes: the length of each, a multiple of 64 and at least 64.
/// digests: CHASHING_LANES times CHASHING_DIGEST_BYTES, in the order of the pieces.
/// version: 1 ... CHashing_versions().
void CHashing_sha256Lanes(
    const uint8_t *bytes, int64_t pieceBytes, uint8_t *digests, int version);

/// A hash of 64 bits as fast as memory is read: for what must be compared often. It finds what happens by
/// itself, such as a bit that flipped; it is no protection against someone who wants two things to agree.
/// Two pieces of memory that differ in one word of 8 bytes never have the same.
///
/// seed: another one gives another hash.
uint64_t CHashing_fold64(const void *bytes, int64_t byteCount, uint64_t seed);

#endif
