#include "CKernels.h"
#include "double_math.h"

double CKernels_exp(double x) {
  return natural_exp(x < -700 ? -700 : x > 700 ? 700 : x);
}

double CKernels_log(double x) { return natural_log(x); }

void CKernels_sineAndCosine(double angle, double *sine, double *cosine) {
  sine_and_cosine(angle, sine, cosine);
}
