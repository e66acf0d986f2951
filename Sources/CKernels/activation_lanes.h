// Activation functions and their slopes in lanes.
#ifndef CKERNELS_ACTIVATION_LANES_H
#define CKERNELS_ACTIVATION_LANES_H

#include "CKernels_activations.h"
#include "lanes.h"
#include "lanes_math.h"

// sqrt(2 / pi), and GPT-2's coefficient of the cube.
#define GELU_SCALE 0.7978845608028654f
#define GELU_CUBE 0.044715f

#define VECTOR Lanes
#define FORM(name) lanes_##name
#include "activation_form.h"
#undef VECTOR
#undef FORM

#define VECTOR WideLanes
#define FORM(name) wide_##name
#include "activation_form.h"
#undef VECTOR
#undef FORM

/// The activation of `input`, Lanes or WideLanes.
#define activate(result, activation, slope, input)                                                \
  _Generic(*(result), Lanes: lanes_activate, WideLanes: wide_activate)(                           \
      result, activation, slope, input)

/// Its slope there.
#define activation_slope(result, activation, slope, input)                                        \
  _Generic(*(result), Lanes: lanes_activation_slope, WideLanes: wide_activation_slope)(           \
      result, activation, slope, input)

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
