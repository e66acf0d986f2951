// libFuzzer comes with the compiler, but without a header of its own.
#ifndef CLIBFUZZER_H
#define CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Calls `test` with one input after the other, as the options in the arguments say.
///
/// Source: LLVM's "libFuzzer – a library for coverage-guided fuzz testing", "Using libFuzzer as a library".
int LLVMFuzzerRunDriver(
    int *argumentCount, char ***arguments, int (*test)(const uint8_t *bytes, size_t count));

#endif
