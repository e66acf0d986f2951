// Adagrad, RMSprop and Adadelta; see CKernels_optimizers.h.
#ifndef CKERNELS_OPTIMIZERS_SQUARES_H
#define CKERNELS_OPTIMIZERS_SQUARES_H

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
  float learning_rate;
  float epsilon;
  /// How much of the mean of squares is kept, and its complement.
  float squares_keep, squares_rate;
  /// Factor on the velocity; RMSprop only.
  float momentum;
} CKernels_SquaresStep;

/// g = gradient_scale · gradient + decay · parameter
/// sum += g²
/// parameter -= learning_rate · g / (√sum + ε)
void CKernels_adagrad(float *parameters, const float *gradient, float *sum, int64_t count,
                      CKernels_SquaresStep step);

/// squares = squares_keep · squares + squares_rate · g²
/// mean += squares_rate · (g - mean), and mean² is taken off the squares (NULL: not centred)
/// velocity = momentum · velocity + g / (√squares + ε) (NULL: without the first summand)
/// parameter -= learning_rate · velocity
void CKernels_rmsprop(float *parameters, const float *gradient, float *squares, float *mean,
                      float *velocity, int64_t count, CKernels_SquaresStep step);

/// squares = squares_keep · squares + squares_rate · g²
/// delta = √(deltas + ε) / √(squares + ε) · g
/// deltas = squares_keep · deltas + squares_rate · delta²
/// parameter -= learning_rate · delta
void CKernels_adadelta(float *parameters, const float *gradient, float *squares, float *deltas,
                       int64_t count, CKernels_SquaresStep step);

#ifdef __cplusplus
}
#endif

#endif
