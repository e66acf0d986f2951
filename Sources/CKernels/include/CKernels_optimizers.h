// Optimisers: one pass over a slice of parameters, gradients and moments.
//
// Every kernel works element by element, so where a caller cuts a slice changes no bit. Spans need
// no alignment; those that are written must not overlap any other.
#ifndef CKERNELS_OPTIMIZERS_H
#define CKERNELS_OPTIMIZERS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What one step of AdamW has in common for all elements.
typedef struct {
  /// Factor on every gradient element: clipping over token count.
  float gradient_scale;
  /// 1 - rate · decay, or 1 where nothing decays.
  float keep;
  /// 1 - β₁
  float mean_rate;
  /// β₂
  float variance_keep;
  /// 1 - β₂
  float variance_rate;
  /// rate / (1 - β₁ᵗ)
  float step_size;
  /// 1 / √(1 - β₂ᵗ)
  float variance_correction;
  /// ε, added to the root.
  float epsilon;
} CKernels_AdamWStep;

/// g = gradient_scale · gradient
/// mean += mean_rate · (g - mean)
/// variance = variance_keep · variance + variance_rate · g²
/// parameter = keep · parameter - step_size · mean / (variance_correction · √variance + ε)
void CKernels_adamW(float *parameters, const float *gradient, float *mean, float *variance,
                    int64_t count, CKernels_AdamWStep step);

/// What one step of SGD has in common for all elements.
typedef struct {
  /// Factor on every gradient element: clipping over token count.
  float gradient_scale;
  /// Decay, added to the gradient as decay · parameter; 0 where nothing decays.
  float decay;
  /// Factor on the velocity.
  float momentum;
  float learning_rate;
} CKernels_SGDStep;

/// g = gradient_scale · gradient + decay · parameter
/// velocity = momentum · velocity + g
/// parameter -= learning_rate · velocity
void CKernels_sgdWithMomentum(float *parameters, const float *gradient, float *velocity,
                              int64_t count, CKernels_SGDStep step);

/// The same without momentum: parameter -= learning_rate · g.
void CKernels_sgd(float *parameters, const float *gradient, int64_t count, CKernels_SGDStep step);

#ifdef __cplusplus
}
#endif

#endif
