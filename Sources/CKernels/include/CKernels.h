// Vector kernels in C, one header per topic.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "CKernels_reduction.h"
#include "CKernels_optimizers.h"
#include "CKernels_activations.h"
#include "CKernels_normalization.h"
#include "CKernels_softmax.h"
#include "CKernels_likeliest.h"
#include "CKernels_random.h"
#include "CKernels_rotary.h"
#include "CKernels_rounded.h"
#include "CKernels_elementwise.h"
#include "CKernels_fixedPoint.h"
#include "CKernels_int8.h"
#include "CKernels_sparse.h"
#include "CKernels_matrixProduct.h"
#include "CKernels_compact.h"
#include "CKernels_peak.h"
#include "CKernels_privacy.h"
#include "CKernels_scalars.h"
#include "CKernels_build.h"

#endif
