// OpenBLAS's C interface, found by pkg-config. Nothing is added: cblas_sgemm and the
// openblas_* controls are called from Swift as they are.
#include <cblas.h>
