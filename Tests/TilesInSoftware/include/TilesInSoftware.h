// The products in bfloat16 of a processor with AMX, on one without: the same source, its tile instructions
// computed in software. For tests, which so read and write every layout of Sources/CKernels/bfloat16_product_tiles.h
// on machines that could not run it.
#ifndef TILES_IN_SOFTWARE_H
#define TILES_IN_SOFTWARE_H

#if defined(__x86_64__)
#include <stdint.h>

#include "CKernels_matrixProduct.h"

/// Whether this processor can run what is not a tile instruction: AVX-512 with AVX512_BF16.
int TilesInSoftware_canRun(void);

/// As CKernels_matrixProduct, for `inner` above 0.
void TilesInSoftware_product(
    CKernels_Factor a, CKernels_Factor b, float *c, int64_t stride, int64_t rows, int64_t columns,
    int64_t inner, int adds, const CKernels_Epilogue *epilogue);

/// As CKernels_packedCount.
int64_t TilesInSoftware_packedCount(int64_t inner, int64_t columns);

/// As CKernels_packFactor.
void TilesInSoftware_packFactor(
    CKernels_Factor b, int64_t inner, int64_t columns, float *packed);

/// As CKernels_matrixProductPacked, for `inner` above 0.
void TilesInSoftware_packedProduct(
    CKernels_Factor a, const float *packed, int64_t packedInner, int64_t packedColumns, float *c,
    int64_t stride, int64_t rows, int64_t columns, int64_t inner, int adds,
    const CKernels_Epilogue *epilogue);
#endif

#endif
