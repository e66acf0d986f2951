// Activation functions and their slopes in lanes.
#ifndef CKERNELS_ACTIVATION_LANES_H
#define CKERNELS_ACTIVATION_LANES_H

#include "CKernels_activations.h"
#include "lanes.h"
#include "lanes_math.h"

// sqrt(2 / pi), and GPT-2's coefficient of the cube.
#define GELU_SCALE 0.7978845608028654f
#define GELU_CUBE 0.044715f

/// tanh-GELU as x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3): the same function, one division.
INLINE void gelu_tanh(Lanes *result, const Lanes *input) {
  Lanes x = *input;
  *result = x * lanes_sigmoid(2.0f * GELU_SCALE * (x + GELU_CUBE * (x * x * x)));
}

INLINE void gelu_tanh_slope(Lanes *result, const Lanes *input) {
  Lanes x = *input, square = x * x;
  Lanes s = lanes_sigmoid(2.0f * GELU_SCALE * (x + GELU_CUBE * (square * x)));
  Lanes u_slope = 2.0f * GELU_SCALE * (1.0f + 3.0f * GELU_CUBE * square);
  *result = s + x * (s * (1.0f - s)) * u_slope;
}

/// The standard normal distribution function and e^(-x^2 / 2), by formula 7.1.26 of Abramowitz and
/// Stegun for erfc; the absolute error is below 2e-7.
INLINE void normal_distribution(Lanes *result, Lanes *bell, const Lanes *input) {
  Lanes x = *input;
  Lanes magnitude = lanes_choose(x < 0.0f, -x, x);
  Lanes t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * magnitude);
  Lanes p = 1.061405429f * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  *bell = lanes_exp(-0.5f * (x * x));
  Lanes tail = 0.5f * (p * t) * *bell;
  *result = lanes_choose(x < 0.0f, tail, 1.0f - tail);
}

INLINE void gelu(Lanes *result, const Lanes *input) {
  Lanes phi, bell;
  normal_distribution(&phi, &bell, input);
  *result = *input * phi;
}

INLINE void gelu_slope(Lanes *result, const Lanes *input) {
  Lanes phi, bell;
  normal_distribution(&phi, &bell, input);
  *result = phi + *input * (bell * 0.3989422804f);  // 1 / sqrt(2 pi)
}

INLINE void activate(
    Lanes *result, CKernels_Activation activation, float slope, const Lanes *input) {
  Lanes x = *input;
  switch (activation) {
    case CKernels_geluTanh: gelu_tanh(result, input); break;
    case CKernels_gelu: gelu(result, input); break;
    case CKernels_relu: *result = lanes_choose(x < 0.0f, (Lanes){0}, x); break;
    case CKernels_leakyRelu: *result = lanes_choose(x > 0.0f, x, slope * x); break;
    case CKernels_silu: *result = x * lanes_sigmoid(x); break;
    case CKernels_tanh: *result = lanes_tanh(x); break;
  }
}

INLINE void activation_slope(
    Lanes *result, CKernels_Activation activation, float slope, const Lanes *input) {
  Lanes x = *input;
  switch (activation) {
    case CKernels_geluTanh: gelu_tanh_slope(result, input); break;
    case CKernels_gelu: gelu_slope(result, input); break;
    case CKernels_relu: *result = lanes_choose(x > 0.0f, lanes_fill(1.0f), (Lanes){0}); break;
    case CKernels_leakyRelu:
      *result = lanes_choose(x > 0.0f, lanes_fill(1.0f), lanes_fill(slope));
      break;
    case CKernels_silu: {
      Lanes s = lanes_sigmoid(x);
      *result = s + x * s * (1.0f - s);
      break;
    }
    case CKernels_tanh: {
      Lanes t = lanes_tanh(x);
      *result = 1.0f - t * t;
      break;
    }
  }
}

// The choice is made once a span, outside the loop: each case below is a loop of its own.
#define FOR_EACH_ACTIVATION(statement)                                                            \
  switch (activation) {                                                                           \
    case CKernels_geluTanh: statement(CKernels_geluTanh) break;                                   \
    case CKernels_gelu: statement(CKernels_gelu) break;                                           \
    case CKernels_relu: statement(CKernels_relu) break;                                           \
    case CKernels_leakyRelu: statement(CKernels_leakyRelu) break;                                 \
    case CKernels_silu: statement(CKernels_silu) break;                                           \
    case CKernels_tanh: statement(CKernels_tanh) break;                                           \
  }

#endif
