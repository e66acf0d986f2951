#include "CKernels.h"
#include "matrix_product.h"

void finish_sums(
    const CKernels_Epilogue *epilogue, float *sums, int64_t place, int64_t count) {
  if (epilogue->added) CKernels_accumulate(epilogue->added + place, sums, count);
  CKernels_Activation activation = epilogue->activation;
  float slope = epilogue->slope;
  if (epilogue->activated && epilogue->keepsSlopes)
    CKernels_activationAndSlope(activation, slope, sums, epilogue->activated + place, count);
  else if (epilogue->activated)
    CKernels_activationForward(activation, slope, sums, epilogue->activated + place, count);
  else if (epilogue->rounded && epilogue->keepsSlopes)
    CKernels_activationAndSlopeRounded(activation, slope, sums, epilogue->rounded + place, count);
  else if (epilogue->rounded)
    CKernels_activationRounded(activation, slope, sums, epilogue->rounded + place, count);
}
