// Rotary position embedding (Su et al., 2021), Llama's layout: column j of a head's first half
// turns with column j of its second half.
#ifndef CKERNELS_ROTARY_H
#define CKERNELS_ROTARY_H

#include <stdint.h>

/// frequencies[j] = base^(-2j / width), in radians per position, for j in 0 ..< width / 2; rounded
/// to float where Hugging Face's implementation rounds.
void CKernels_rotaryFrequencies(double base, int64_t width, float *frequencies);

/// cosines and sines [positions, count] of position * frequency, from position `start` on. The
/// angle is rounded to float, as in the implementations that models were trained with.
void CKernels_rotaryTable(
    const float *frequencies, int64_t count, int64_t start, int64_t positions, float *cosines,
    float *sines);

/// Turns `heads` heads side by side in each of `positions` rows, row t by the table's row t:
///
///     outputs[j] = inputs[j] cos - inputs[j + half] sin
///     outputs[j + half] = inputs[j + half] cos + inputs[j] sin
///
/// `direction` is 1, or -1 to turn back (which is also the gradient's way); with `adds` the outputs
/// gain the result. Rows of inputs and outputs are inputStride and outputStride elements apart; the
/// table's rows are `half`, half of a head's columns.
void CKernels_rotate(
    const float *inputs, int64_t inputStride, float *outputs, int64_t outputStride,
    const float *cosines, const float *sines, int64_t positions, int64_t heads, int64_t half,
    float direction, int adds);

#endif
