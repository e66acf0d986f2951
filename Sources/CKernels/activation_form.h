// What activation_lanes.h has for one form of lanes: VECTOR is their type, FORM(name) begins the names.

/// tanh-GELU as x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3): the same function, one division.
INLINE void FORM(gelu_tanh)(VECTOR *result, const VECTOR *input) {
  VECTOR x = *input;
  *result = x * lanes_sigmoid(2.0f * GELU_SCALE * (x + GELU_CUBE * (x * x * x)));
}

INLINE void FORM(gelu_tanh_slope)(VECTOR *result, const VECTOR *input) {
  VECTOR x = *input, square = x * x;
  VECTOR s = lanes_sigmoid(2.0f * GELU_SCALE * (x + GELU_CUBE * (square * x)));
  VECTOR u_slope = 2.0f * GELU_SCALE * (1.0f + 3.0f * GELU_CUBE * square);
  *result = s + x * (s * (1.0f - s)) * u_slope;
}

/// The standard normal distribution function and e^(-x^2 / 2), by formula 7.1.26 of Abramowitz and
/// Stegun for erfc; the absolute error is below 2e-7.
INLINE void FORM(normal_distribution)(VECTOR *result, VECTOR *bell, const VECTOR *input) {
  VECTOR x = *input;
  VECTOR magnitude = lanes_choose(x < 0.0f, -x, x);
  VECTOR t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * magnitude);
  VECTOR p = 1.061405429f * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  *bell = lanes_exp(-0.5f * (x * x));
  VECTOR tail = 0.5f * (p * t) * *bell;
  *result = lanes_choose(x < 0.0f, tail, 1.0f - tail);
}

INLINE void FORM(gelu)(VECTOR *result, const VECTOR *input) {
  VECTOR phi, bell;
  FORM(normal_distribution)(&phi, &bell, input);
  *result = *input * phi;
}

INLINE void FORM(gelu_slope)(VECTOR *result, const VECTOR *input) {
  VECTOR phi, bell;
  FORM(normal_distribution)(&phi, &bell, input);
  *result = phi + *input * (bell * 0.3989422804f);  // 1 / sqrt(2 pi)
}

INLINE void FORM(activate)(
    VECTOR *result, CKernels_Activation activation, float slope, const VECTOR *input) {
  VECTOR x = *input;
  switch (activation) {
    case CKernels_geluTanh: FORM(gelu_tanh)(result, input); break;
    case CKernels_gelu: FORM(gelu)(result, input); break;
    case CKernels_relu: *result = lanes_choose(x < 0.0f, (VECTOR){0}, x); break;
    case CKernels_leakyRelu: *result = lanes_choose(x > 0.0f, x, slope * x); break;
    case CKernels_silu: *result = x * lanes_sigmoid(x); break;
    case CKernels_tanh: *result = lanes_tanh(x); break;
  }
}

INLINE void FORM(activation_slope)(
    VECTOR *result, CKernels_Activation activation, float slope, const VECTOR *input) {
  const VECTOR one = (VECTOR){0} + 1.0f;
  VECTOR x = *input;
  switch (activation) {
    case CKernels_geluTanh: FORM(gelu_tanh_slope)(result, input); break;
    case CKernels_gelu: FORM(gelu_slope)(result, input); break;
    case CKernels_relu: *result = lanes_choose(x > 0.0f, one, (VECTOR){0}); break;
    case CKernels_leakyRelu: *result = lanes_choose(x > 0.0f, one, slope * one); break;
    case CKernels_silu: {
      VECTOR s = lanes_sigmoid(x);
      *result = s + x * s * (1.0f - s);
      break;
    }
    case CKernels_tanh: {
      VECTOR t = lanes_tanh(x);
      *result = 1.0f - t * t;
      break;
    }
  }
}
