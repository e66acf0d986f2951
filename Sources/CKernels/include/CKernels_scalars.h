// Elementary functions of single numbers, in double precision: from basic operations alone, so that
// they have the same bits on every processor. The C library's do not.
#ifndef CKERNELS_SCALARS_H
#define CKERNELS_SCALARS_H

/// e^x; x is clamped to [-700, 700].
double CKernels_exp(double x);

/// The natural logarithm of a normal x > 0; infinity and NaN come back as they are.
double CKernels_log(double x);

/// The sine and the cosine of an angle in radians, |angle| below 10^6.
void CKernels_sineAndCosine(double angle, double *sine, double *cosine);

#endif
