// What lanes_math.h has for one form of lanes: VECTOR and INT_VECTOR are their types, FORM(name) begins the
// names.

INLINE void FORM(exp_in_place)(VECTOR *value) {
  const VECTOR low = (VECTOR){0} - 87.3f, high = (VECTOR){0} + 88.3f;
  VECTOR x = *value;
  x = lanes_choose(x < low, low, x);
  x = lanes_choose(x > high, high, x);
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
  const VECTOR magic = (VECTOR){0} + 12582912.0f;
  VECTOR shifted = x * 1.44269504088896341f + magic;
  VECTOR n = shifted - magic;
  VECTOR r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  VECTOR p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  INT_VECTOR exponent = ((INT_VECTOR)shifted - (INT_VECTOR)magic + 127) << 23;
  *value = p * (VECTOR)exponent;
}
