// The passes of CKernels_rounded.h, included once for each way to round: FUNCTION(name) begins a function, and
// ROUNDED(vector, destination, n) rounds the first n lanes and stores them.

FUNCTION(round)(const float *source, uint16_t *destination, int64_t count) {
  FOR_LANES(count) {
    Lanes x = lanes_read(source + i, n);
    ROUNDED(&x, destination + i, n);
  }
}

FUNCTION(activation)(
    CKernels_Activation activation, float slope, const float *inputs, uint16_t *outputs,
    int64_t count) {
#define ACTIVATION(kind)                                                                          \
  FOR_VECTORS(count, {                                                                            \
    Vector x = vector_read(inputs + i, n), y;                                                     \
    activate(&y, kind, slope, &x);                                                                \
    ROUNDED(&y, outputs + i, n);                                                                  \
  });
  FOR_EACH_ACTIVATION(ACTIVATION)
#undef ACTIVATION
}

FUNCTION(activation_and_slope)(
    CKernels_Activation activation, float slope, float *values, uint16_t *outputs, int64_t count) {
#define BOTH(kind)                                                                                \
  FOR_VECTORS(count, {                                                                            \
    Vector x = vector_read(values + i, n), y, d;                                                  \
    activate(&y, kind, slope, &x);                                                                \
    activation_slope(&d, kind, slope, &x);                                                        \
    ROUNDED(&y, outputs + i, n);                                                                  \
    vector_write(values + i, d, n);                                                               \
  });
  FOR_EACH_ACTIVATION(BOTH)
#undef BOTH
}

FUNCTION(swiglu)(const float *gate, const float *up, uint16_t *outputs, int64_t count) {
  FOR_VECTORS(count, {
    Vector x = vector_read(gate + i, n);
    Vector y = x * lanes_sigmoid(x) * vector_read(up + i, n);
    ROUNDED(&y, outputs + i, n);
  });
}

FUNCTION(multiply)(
    const float *a, const float *b, uint16_t *products, float *sums, int64_t rows, int64_t columns,
    int64_t stride) {
  MULTIPLY_AND_SUM(ROUNDED(&product, products + place, n))
}
