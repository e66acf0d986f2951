// Activation functions and their derivatives. `count` is in elements.
#ifndef CKERNELS_ACTIVATIONS_H
#define CKERNELS_ACTIVATIONS_H

#include <stdint.h>

typedef enum CKernels_Activation {
  /// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))): GPT-2's GELU.
  CKernels_geluTanh = 0,
  /// max(0, x).
  CKernels_relu = 1,
  /// x where positive, else slope * x.
  CKernels_leakyRelu = 2,
  /// x / (1 + e^-x), also called swish.
  CKernels_silu = 3,
  /// tanh x.
  CKernels_tanh = 4,
  /// x Phi(x), Phi the standard normal distribution function: the GELU of BERT.
  CKernels_gelu = 5,
} CKernels_Activation;

/// outputs = activation(inputs).
void CKernels_activationForward(
    CKernels_Activation activation, float slope, const float *inputs, float *outputs,
    int64_t count);

/// inputGradient = outputGradient * activation'(inputs), or += where `adds`. The gradients may be
/// the same span.
void CKernels_activationBackward(
    CKernels_Activation activation, float slope, const float *inputs, const float *outputGradient,
    float *inputGradient, int64_t count, int adds);

/// outputs = activation(values), and values = activation'(values), which the backward pass multiplies by.
void CKernels_activationAndSlope(
    CKernels_Activation activation, float slope, float *values, float *outputs, int64_t count);

/// outputs = silu(gate) * up.
void CKernels_swigluForward(const float *gate, const float *up, float *outputs, int64_t count);

/// The gradients of swiglu: gateGradient = outputGradient * up * silu'(gate) and
/// upGradient = outputGradient * silu(gate), or += where `adds`.
void CKernels_swigluBackward(
    const float *gate, const float *up, const float *outputGradient, float *gateGradient,
    float *upGradient, int64_t count, int gateAdds, int upAdds);

#endif
