// How the kernels were compiled, and for which processors: what a result is recorded with.
#ifndef CKERNELS_BUILD_H
#define CKERNELS_BUILD_H

/// The C compiler's version, with its source's revision where the compiler tells it.
const char *CKernels_compiler(void);

/// The processor level whose kernels run here: x86-64-v4, x86-64-v3 or x86-64, and "generic" on other
/// processors. All have the same bits.
const char *CKernels_processorLevel(void);

#endif
