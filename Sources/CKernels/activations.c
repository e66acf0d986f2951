#include "CKernels.h"
#include "activation_lanes.h"

MULTIVERSIONED void CKernels_activationForward(
    CKernels_Activation activation, float slope, const float *inputs, float *outputs,
    int64_t count) {
#define FORWARD(kind)                                                                             \
  FOR_VECTORS(count, {                                                                            \
    Vector x = vector_read(inputs + i, n), y;                                                     \
    activate(&y, kind, slope, &x);                                                                \
    vector_write(outputs + i, y, n);                                                              \
  });
  FOR_EACH_ACTIVATION(FORWARD)
}

MULTIVERSIONED void CKernels_activationBackward(
    CKernels_Activation activation, float slope, const float *inputs, const float *outputGradient,
    float *inputGradient, int64_t count, int adds) {
#define BACKWARD(kind)                                                                            \
  FOR_VECTORS(count, {                                                                            \
    Vector x = vector_read(inputs + i, n), gradient;                                              \
    activation_slope(&gradient, kind, slope, &x);                                                 \
    gradient *= vector_read(outputGradient + i, n);                                               \
    if (adds) gradient += vector_read(inputGradient + i, n);                                      \
    vector_write(inputGradient + i, gradient, n);                                                 \
  });
  FOR_EACH_ACTIVATION(BACKWARD)
}

MULTIVERSIONED void CKernels_activationAndSlope(
    CKernels_Activation activation, float slope, float *values, float *outputs, int64_t count) {
#define BOTH(kind)                                                                                \
  FOR_VECTORS(count, {                                                                            \
    Vector x = vector_read(values + i, n), y, d;                                                  \
    activate(&y, kind, slope, &x);                                                                \
    activation_slope(&d, kind, slope, &x);                                                        \
    vector_write(outputs + i, y, n);                                                              \
    vector_write(values + i, d, n);                                                               \
  });
  FOR_EACH_ACTIVATION(BOTH)
}

MULTIVERSIONED void CKernels_swigluForward(
    const float *gate, const float *up, float *outputs, int64_t count) {
  FOR_VECTORS(count, {
    Vector x = vector_read(gate + i, n);
    vector_write(outputs + i, x * lanes_sigmoid(x) * vector_read(up + i, n), n);
  });
}

MULTIVERSIONED void CKernels_swigluBackward(
    const float *gate, const float *up, const float *outputGradient, float *gateGradient,
    float *upGradient, int64_t count, int gateAdds, int upAdds) {
  FOR_VECTORS(count, {
    Vector x = vector_read(gate + i, n), gradient = vector_read(outputGradient + i, n);
    Vector s = lanes_sigmoid(x);
    Vector to_gate = gradient * vector_read(up + i, n) * (s + x * s * (1.0f - s));
    Vector to_up = gradient * (x * s);
    if (gateAdds) to_gate += vector_read(gateGradient + i, n);
    if (upAdds) to_up += vector_read(upGradient + i, n);
    vector_write(gateGradient + i, to_gate, n);
    vector_write(upGradient + i, to_up, n);
  });
}
