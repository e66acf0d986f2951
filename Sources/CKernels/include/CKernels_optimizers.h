// Optimisers: one pass over a slice of parameters, gradients and moments.
//
// Every kernel works element by element, so where a caller cuts a slice changes no bit. Spans need
// no alignment; those that are written must not overlap any other.
#ifndef CKERNELS_OPTIMIZERS_H
#define CKERNELS_OPTIMIZERS_H

#include <stdint.h>

#include "CKernels_optimizers_adam.h"
#include "CKernels_optimizers_squares.h"
#include "CKernels_optimizers_tensors.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What one step of SGD has in common for all elements.
typedef struct {
  /// Factor on every gradient element: clipping over token count.
  float gradient_scale;
  /// Decay, added to the gradient as decay · parameter; 0 where nothing decays.
  float decay;
  /// Factor on the velocity.
  float momentum;
  float learning_rate;
  /// Whether the step looks ahead along the velocity.
  int is_nesterov;
} CKernels_SGDStep;

/// g = gradient_scale · gradient + decay · parameter
/// velocity = momentum · velocity + g
/// parameter -= learning_rate · velocity, or · (g + momentum · velocity) for Nesterov
void CKernels_sgdWithMomentum(float *parameters, const float *gradient, float *velocity,
                              int64_t count, CKernels_SGDStep step);

/// The same without momentum: parameter -= learning_rate · g.
void CKernels_sgd(float *parameters, const float *gradient, int64_t count, CKernels_SGDStep step);

/// What is done to a gradient before an optimiser sees it.
typedef struct {
  /// Factor on every gradient element, before all else.
  float gradient_scale;
  /// Largest absolute value that is left as it is; infinity leaves all.
  float largest_value;
  /// Times the parameter's sign, added (L1).
  float magnitude_penalty;
} CKernels_Regularization;

/// gradient = clamp(gradient_scale · gradient, ± largest_value) + magnitude_penalty · sign(parameter)
void CKernels_regularizeGradient(float *gradient, const float *parameters, int64_t count,
                                 CKernels_Regularization step);

/// values += rate · (target - values).
void CKernels_approach(float *values, const float *target, float rate, int64_t count);

#ifdef __cplusplus
}
#endif

#endif
