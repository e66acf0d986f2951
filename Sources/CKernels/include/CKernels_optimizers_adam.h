// Adam and its relatives; see CKernels_optimizers.h.
#ifndef CKERNELS_OPTIMIZERS_ADAM_H
#define CKERNELS_OPTIMIZERS_ADAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What one step has in common for all elements.
typedef struct {
  /// Factor on every gradient element: clipping over token count.
  float gradient_scale;
  /// Decay, added to the gradient as decay · parameter (L2); 0 for none.
  float decay;
  /// 1 - rate · decay where decay is decoupled from the gradient, otherwise 1.
  float keep;
  /// 1 - β₁
  float mean_rate;
  /// β₂
  float variance_keep;
  /// 1 - β₂
  float variance_rate;
  /// Factor on the mean: rate / (1 - β₁ᵗ) for Adam.
  float step_size;
  /// Factor on the gradient itself; NAdam only.
  float gradient_step;
  /// 1 / √(1 - β₂ᵗ)
  float variance_correction;
  /// ε, added to the root.
  float epsilon;
} CKernels_AdamStep;

/// g = gradient_scale · gradient + decay · parameter
/// mean += mean_rate · (g - mean)
/// variance = variance_keep · variance + variance_rate · g²
/// parameter = keep · parameter - step_size · mean / (variance_correction · √variance + ε)
void CKernels_adam(float *parameters, const float *gradient, float *mean, float *variance,
                   int64_t count, CKernels_AdamStep step);

/// As Adam, with (gradient_step · g + step_size · mean) in place of step_size · mean.
void CKernels_nadam(float *parameters, const float *gradient, float *mean, float *variance,
                    int64_t count, CKernels_AdamStep step);

/// As Adam, with parameter -= step_size · mean / (√variance + ε), or step_size · mean where
/// `is_adaptive` is 0. The correction of the variance is in step_size.
void CKernels_radam(float *parameters, const float *gradient, float *mean, float *variance,
                    int64_t count, CKernels_AdamStep step, int is_adaptive);

/// As Adam, with largest = max(variance_keep · largest, |g| + ε) in place of variance and root.
void CKernels_adamax(float *parameters, const float *gradient, float *mean, float *largest,
                     int64_t count, CKernels_AdamStep step);

/// What one step of Lion has in common for all elements.
typedef struct {
  float gradient_scale;
  /// 1 - rate · decay
  float keep;
  /// β₁ and 1 - β₁, for the direction.
  float blend_keep, blend_rate;
  /// β₂ and 1 - β₂, for what is remembered.
  float mean_keep, mean_rate;
  float learning_rate;
} CKernels_LionStep;

/// g = gradient_scale · gradient
/// parameter = keep · parameter - learning_rate · sign(blend_keep · mean + blend_rate · g)
/// mean = mean_keep · mean + mean_rate · g
void CKernels_lion(float *parameters, const float *gradient, float *mean, int64_t count,
                   CKernels_LionStep step);

/// Adam's means, and in place of the gradient the direction
/// step_size · mean / (variance_correction · √variance + ε) + decay · parameter.
void CKernels_adamDirection(const float *parameters, float *gradient, float *mean,
                            float *variance, int64_t count, CKernels_AdamStep step);

#ifdef __cplusplus
}
#endif

#endif
