#include "CKernels.h"

const char *CKernels_compiler(void) { return __VERSION__; }

const char *CKernels_processorLevel(void) {
#if defined(__x86_64__)
  static const char *const levels[] = {"x86-64", "x86-64-v3", "x86-64-v4"};
  return levels[CKernels_matrixProductVersions(CKernels_float32) - 1];
#else
  return "generic";
#endif
}
