// The keystream of ChaCha20 (RFC 8439).
#ifndef CKERNELS_CHACHA20_H
#define CKERNELS_CHACHA20_H

#include <stdint.h>

/// Words of 64 bits in a block.
#define CKERNELS_CHACHA20_WORDS 8

/// The first `count` words of a key's and nonce's keystream from the block of number `block` on: its bytes, each
/// eight of which are read as a little-endian number.
///
/// Additions, rotations and exclusive ors only: neither time nor addresses depend on the key.
void CKernels_chacha20(
    const uint8_t key[32], const uint8_t nonce[12], uint32_t block, uint64_t *words, int64_t count);

#endif
