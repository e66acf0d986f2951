#include "CKernels.h"
#include "activation_lanes.h"

MULTIVERSIONED void CKernels_activationForward(
    CKernels_Activation activation, float slope, const float *inputs, float *outputs,
    int64_t count) {
#define FORWARD(kind)                                                                             \
  FOR_LANES(count) {                                                                              \
    Lanes x = lanes_read(inputs + i, n), y;                                                       \
    activate(&y, kind, slope, &x);                                                                \
    lanes_write(outputs + i, y, n);                                                               \
  }
  FOR_EACH_ACTIVATION(FORWARD)
}

MULTIVERSIONED void CKernels_activationBackward(
    CKernels_Activation activation, float slope, const float *inputs, const float *outputGradient,
    float *inputGradient, int64_t count, int adds) {
#define BACKWARD(kind)                                                                            \
  FOR_LANES(count) {                                                                              \
    Lanes x = lanes_read(inputs + i, n), gradient;                                                \
    activation_slope(&gradient, kind, slope, &x);                                                 \
    gradient *= lanes_read(outputGradient + i, n);                                                \
    if (adds) gradient += lanes_read(inputGradient + i, n);                                       \
    lanes_write(inputGradient + i, gradient, n);                                                  \
  }
  FOR_EACH_ACTIVATION(BACKWARD)
}

MULTIVERSIONED void CKernels_activationAndSlope(
    CKernels_Activation activation, float slope, float *values, float *outputs, int64_t count) {
#define BOTH(kind)                                                                                \
  FOR_LANES(count) {                                                                              \
    Lanes x = lanes_read(values + i, n), y, d;                                                    \
    activate(&y, kind, slope, &x);                                                                \
    activation_slope(&d, kind, slope, &x);                                                        \
    lanes_write(outputs + i, y, n);                                                               \
    lanes_write(values + i, d, n);                                                                \
  }
  FOR_EACH_ACTIVATION(BOTH)
}

MULTIVERSIONED void CKernels_swigluForward(
    const float *gate, const float *up, float *outputs, int64_t count) {
  FOR_LANES(count) {
    Lanes x = lanes_read(gate + i, n);
    lanes_write(outputs + i, x * lanes_sigmoid(x) * lanes_read(up + i, n), n);
  }
}

MULTIVERSIONED void CKernels_swigluBackward(
    const float *gate, const float *up, const float *outputGradient, float *gateGradient,
    float *upGradient, int64_t count, int gateAdds, int upAdds) {
  FOR_LANES(count) {
    Lanes x = lanes_read(gate + i, n), gradient = lanes_read(outputGradient + i, n);
    Lanes s = lanes_sigmoid(x);
    Lanes to_gate = gradient * lanes_read(up + i, n) * (s + x * s * (1.0f - s));
    Lanes to_up = gradient * (x * s);
    if (gateAdds) to_gate += lanes_read(gateGradient + i, n);
    if (upAdds) to_up += lanes_read(upGradient + i, n);
    lanes_write(gateGradient + i, to_gate, n);
    lanes_write(upGradient + i, to_up, n);
  }
}
